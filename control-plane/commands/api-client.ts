import type { Flag, Host, Invocation } from '../../command-line/command.ts';
import { refuseUsage } from '../../command-line/refuse-usage.ts';
import { LineSplitter } from '../contract/line-splitter.ts';
import { WATCH_LINE_LIMIT, type WatchMessage } from '../contract/watch-messages.ts';

/** What every command that calls the control plane takes. */
export const CLIENT_FLAGS: readonly Flag[] = [
  {
    name: 'control-plane',
    value: 'URL',
    isRepeatable: false,
    variable: 'OUTRIDER_CONTROL_PLANE',
    description: 'Where the control plane is.',
    default: 'http://127.0.0.1:7600',
  },
  {
    name: 'token',
    value: 'TOKEN',
    isRepeatable: false,
    variable: 'OUTRIDER_TOKEN',
    description: 'The token for it, where it asks for one.',
    default: null,
  },
];

/** A call that did not succeed: what to tell the user. */
export class CallFailed extends Error {
  /** 0 where no answer came. */
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.name = 'CallFailed';
    this.status = status;
  }
}

/** An answer that was a success. */
export interface ApiAnswer {
  readonly body: unknown;
  readonly etag: string | null;
}

export interface CallOptions {
  /** Sent as JSON. */
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** How long a call may take until its answer begins. */
const CALL_MS = 10_000;

/** Calls the control plane for a command. */
export class ApiClient {
  readonly url: string;
  private readonly token: string | null;

  constructor(url: string, token: string | null) {
    this.url = url;
    this.token = token;
  }

  /** @returns what is wrong with the flags, where something is */
  static fromFlags({ flags }: Invocation): ApiClient | string {
    const given = flags.get('control-plane');
    const text = given?.values[0] ?? 'http://127.0.0.1:7600';
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || !/^https?:$/.test(url.protocol)) {
      const example = 'a URL such as http://control-plane:7600';
      const question = /^[\w.-]+:\d+$/.test(text) ? `; did you mean http://${text}?` : '';
      return `${given?.source ?? '--control-plane'}: expected ${example}, found ${JSON.stringify(text)}${question}`;
    }
    return new ApiClient(url.href.replace(/\/$/, ''), flags.get('token')?.values[0] ?? null);
  }

  /** @throws CallFailed */
  async call(method: string, path: string, more: CallOptions = {}): Promise<ApiAnswer> {
    const { body, headers = {}, signal } = more;
    const ofBody: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const timeout = AbortSignal.timeout(CALL_MS);
    const response = await this.send(path, {
      method,
      headers: { ...headers, ...ofBody },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    const text = await response.text();
    return { body: text === '' ? null : JSON.parse(text), etag: response.headers.get('etag') };
  }

  /** All items of a list, whatever its pages. @throws CallFailed */
  async list<T>(path: string): Promise<T[]> {
    const items: T[] = [];
    for (let after: string | null = ''; after !== null; ) {
      const query = after === '' ? '' : `&after=${encodeURIComponent(after)}`;
      const { body } = await this.call('GET', `${path}?limit=1000${query}`);
      const page = body as { readonly items: readonly T[]; readonly next: string | null };
      items.push(...page.items);
      after = page.next;
    }
    return items;
  }

  /** What is told of services, until the connection ends. @throws CallFailed */
  async *watch(services: readonly string[], signal: AbortSignal): AsyncGenerator<WatchMessage> {
    const response = await this.send(`/v1/watch?services=${services.join(',')}`, { signal });
    const splitter = new LineSplitter(WATCH_LINE_LIMIT);
    for await (const chunk of response.body ?? []) {
      for (const line of splitter.push(Buffer.from(chunk)) ?? []) yield JSON.parse(line) as WatchMessage;
    }
  }

  private async send(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.token !== null) headers.set('authorization', `Bearer ${this.token}`);
    let response: Response;
    try {
      response = await fetch(`${this.url}${path}`, { ...init, headers });
    } catch (error) {
      throw new CallFailed(0, `The control plane at ${this.url} ${explain(error as Error)}.`);
    }
    if (response.ok) return response;
    throw new CallFailed(response.status, await explainAnswer(response));
  }
}

/** Runs what a command does with the control plane, and tells what went wrong. @returns the exit code */
export async function withClient(
  command: string,
  invocation: Invocation,
  host: Host,
  run: (client: ApiClient) => Promise<number>,
): Promise<number> {
  const client = ApiClient.fromFlags(invocation);
  if (typeof client === 'string') {
    return refuseUsage(host, command, [client]);
  }
  try {
    return await run(client);
  } catch (error) {
    if (!(error instanceof CallFailed)) throw error;
    host.complain(`${error.message}\n`);
    return 1;
  }
}

function explain({ name, message, cause }: Error): string {
  const { code = '', message: reason = message } = (cause ?? {}) as NodeJS.ErrnoException;
  if (name === 'TimeoutError') return `did not answer within ${CALL_MS / 1000} s`;
  if (name === 'AbortError') return 'did not answer in time';
  if (code === 'ECONNREFUSED') return 'can not be reached: nothing listens there (ECONNREFUSED)';
  if (code === 'ENOTFOUND') return 'can not be reached: there is no such host (ENOTFOUND)';
  return `can not be reached: ${reason}`;
}

async function explainAnswer(response: Response): Promise<string> {
  const text = (await response.text().catch(() => '')).slice(0, 10_000);
  const hint = response.status === 401 ? ' Give it by --token or $OUTRIDER_TOKEN.' : '';
  try {
    const { detail, errors = [] } = JSON.parse(text);
    const lines = errors.length > 1 ? errors.map((e: FieldError) => `\n  ${e.field}: ${e.detail}`) : [];
    return `${detail}${hint}${lines.join('')}`;
  } catch {
    return `The control plane answered ${response.status} ${response.statusText}.${hint}`;
  }
}

interface FieldError {
  readonly field: string;
  readonly detail: string;
}
