import { Agent, type IncomingHttpHeaders, request } from 'node:http';

export interface CallAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface CallOptions {
  /** Sent as JSON. */
  readonly body?: object;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** Calls of one server over connections that are kept. */
export class HttpCalls {
  private readonly url: string;
  private readonly agent: Agent;

  /** @param maxSockets how many calls may be under way; the others wait */
  constructor(url: string, maxSockets: number) {
    this.url = url;
    this.agent = new Agent({ keepAlive: true, maxSockets });
  }

  /** Whatever is answered. Rejects where nothing is. */
  call(method: string, path: string, { body, headers, signal }: CallOptions = {}): Promise<CallAnswer> {
    const content = body === undefined ? '' : JSON.stringify(body);
    return new Promise((resolve, reject) => {
      const sent = request(`${this.url}${path}`, {
        method,
        agent: this.agent,
        ...(signal === undefined ? {} : { signal }),
        headers: {
          'content-length': Buffer.byteLength(content),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
      });
      sent.on('error', reject);
      sent.on('response', answer => {
        let text = '';
        answer.setEncoding('utf8').on('data', chunk => {
          text += chunk;
        });
        answer.on('error', reject);
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text }));
      });
      sent.end(content);
    });
  }

  /** @throws where the answer is no success */
  async demand(method: string, path: string, options: CallOptions = {}): Promise<CallAnswer> {
    const answer = await this.call(method, path, options);
    if (answer.status < 300) return answer;
    throw new Error(`${method} ${path}: ${answer.status} ${answer.text.slice(0, 500)}`);
  }

  /** Closes the connections that no call uses. */
  close(): void {
    this.agent.destroy();
  }
}
