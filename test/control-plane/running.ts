import { type IncomingHttpHeaders, request } from 'node:http';
import type { TestContext } from 'node:test';
import { ControlPlane, type ControlPlaneOptions } from '../../control-plane/control-plane.ts';
import { MemoryStore } from '../../control-plane/store/memory-store.ts';

/** A control plane that runs in this process until the test is over. */
export async function startControlPlane(
  t: Pick<TestContext, 'after'>,
  options: Partial<ControlPlaneOptions> = {},
): Promise<RunningControlPlane> {
  const controlPlane = await ControlPlane.start({
    listen: { host: '127.0.0.1', port: 0 },
    tokens: { admin: null, sidecar: null },
    rateLimit: { perSecond: 10_000, burst: 10_000 },
    connections: 10_000,
    onConnectionRefused() {},
    store: new MemoryStore(),
    services: {},
    onNotice() {},
    onKeeping() {},
    version: '1.2.3',
    onError: error => {
      throw error;
    },
    ...options,
  });
  t.after(() => controlPlane.stop());
  return new RunningControlPlane(controlPlane);
}

export interface Answered {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** The body as JSON; null where there is none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it as they like
  readonly body: any;
}

export interface Sent {
  /** Sent as JSON. */
  readonly json?: unknown;
  /** Sent as it is, with whatever content-type the headers say. */
  readonly text?: string | Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export class RunningControlPlane {
  readonly controlPlane: ControlPlane;

  constructor(controlPlane: ControlPlane) {
    this.controlPlane = controlPlane;
  }

  get url(): string {
    return this.controlPlane.url;
  }

  get port(): number {
    return this.controlPlane.address.port;
  }

  call(method: string, path: string, { json, text, headers = {} }: Sent = {}): Promise<Answered> {
    const content = json === undefined ? (text ?? '') : JSON.stringify(json);
    const ofBody: Record<string, string> = json === undefined ? {} : { 'content-type': 'application/json' };
    const length: Record<string, string> =
      content.length === 0 ? {} : { 'content-length': `${Buffer.byteLength(content)}` };
    return new Promise((resolve, reject) => {
      const sent = request(`${this.url}${path}`, { method, agent: false });
      for (const [name, value] of Object.entries({ ...ofBody, ...length, ...headers }))
        sent.setHeader(name, value);
      sent.on('error', reject);
      sent.on('response', answer => {
        let received = '';
        answer.setEncoding('utf8').on('data', chunk => {
          received += chunk;
        });
        answer.on('error', reject);
        answer.on('end', () => {
          const isJson = /json/.test(answer.headers['content-type'] ?? '') && received !== '';
          const body = isJson ? JSON.parse(received) : null;
          resolve({ status: answer.statusCode ?? 0, headers: answer.headers, text: received, body });
        });
      });
      sent.end(content);
    });
  }

  /** Registers an instance of a service at a port of its own. */
  async register(
    service: string,
    id: string,
    more: Record<string, unknown> = {},
    sidecar?: string,
  ): Promise<void> {
    const headers: Record<string, string> = sidecar === undefined ? {} : { 'x-outrider-sidecar': sidecar };
    const port =
      10_000 + [...`${service}/${id}`].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 50_000, 7);
    const json = { address: '127.0.0.1', port, ...more };
    const { status, text } = await this.call('PUT', `/v1/services/${service}/instances/${id}`, {
      json,
      headers,
    });
    if (status >= 300) throw new Error(text);
  }
}
