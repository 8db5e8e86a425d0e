import type { Flag, Host, Invocation } from '../../command-line/command.ts';
import { refuseUsage } from '../../command-line/refuse-usage.ts';
import type { Page } from '../contract/answers.ts';
import { type ApiCall, type ListCall, readAnswer, readProblem } from '../contract/calls.ts';
import { LineSplitter } from '../contract/line-splitter.ts';
import { Misshapen, readJson, UnknownKind } from '../contract/shape.ts';
import { WATCH_LINE_LIMIT, WATCH_MESSAGE, type WatchMessage } from '../contract/watch-messages.ts';

const DEFAULT_URL = 'http://127.0.0.1:7600';

/** What every command that calls the control plane takes. */
export const CLIENT_FLAGS: readonly Flag[] = [
  {
    name: 'control-plane',
    value: 'URL',
    isRepeatable: false,
    variable: 'OUTRIDER_CONTROL_PLANE',
    description: 'Where the control plane is.',
    default: DEFAULT_URL,
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

interface CallOptions {
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
    const text = given?.values[0] ?? DEFAULT_URL;
    const url = URL.canParse(text) ? new URL(text) : null;
    if (url === null || !/^https?:$/.test(url.protocol)) {
      const example = 'a URL such as http://control-plane:7600';
      const question = /^[\w.-]+:\d+$/.test(text) ? `; did you mean http://${text}?` : '';
      return `${given?.source ?? '--control-plane'}: expected ${example}, found ${JSON.stringify(text)}${question}`;
    }
    const token = flags.get('token');
    const [secret = null] = token?.values ?? [];
    // What is wrong with it is not shown: it is a secret.
    if (secret !== null && !/^[!-~]{1,4096}$/.test(secret))
      return `${token?.source}: expected a token of printable characters without spaces, 4096 at most`;
    return new ApiClient(url.href.replace(/\/$/, ''), secret);
  }

  /** @throws CallFailed */
  async call<T>(call: ApiCall<T>, more: CallOptions = {}): Promise<T> {
    const { body, headers = {}, signal } = more;
    const ofBody: Record<string, string> = body === undefined ? {} : { 'content-type': 'application/json' };
    const timeout = AbortSignal.timeout(CALL_MS);
    const response = await this.send(call.path, {
      method: call.method,
      headers: { ...headers, ...ofBody },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
    });
    try {
      return readAnswer(call, await response.text());
    } catch (error) {
      throw this.failed(error as Error, response.status);
    }
  }

  /** All items of a list, whatever its pages. @throws CallFailed */
  async list<T>(list: ListCall<T>): Promise<T[]> {
    const items: T[] = [];
    let after: string | null = null;
    do {
      const page: Page<T> = await this.call(list(after));
      items.push(...page.items);
      after = page.next;
    } while (after !== null);
    return items;
  }

  /** What is told of services, until the connection ends. @throws CallFailed */
  async *watch(services: readonly string[], signal: AbortSignal): AsyncGenerator<WatchMessage> {
    const response = await this.send(`/v1/watch?services=${services.join(',')}`, { signal });
    const splitter = new LineSplitter(WATCH_LINE_LIMIT);
    try {
      for await (const chunk of response.body ?? []) {
        const lines = splitter.push(Buffer.from(chunk));
        if (lines === null) throw new Misshapen(`a line is longer than ${WATCH_LINE_LIMIT} bytes`);
        for (const line of lines) yield* readMessage(line);
      }
    } catch (error) {
      throw this.failed(error as Error, response.status);
    }
  }

  private async send(path: string, init: RequestInit): Promise<Response> {
    const headers = new Headers(init.headers);
    if (this.token !== null) headers.set('authorization', `Bearer ${this.token}`);
    let response: Response;
    try {
      response = await fetch(`${this.url}${path}`, { ...init, headers });
    } catch (error) {
      throw this.failed(error as Error, 0);
    }
    if (response.ok) return response;
    throw new CallFailed(response.status, await explainAnswer(response));
  }

  private failed(error: Error, status: number): CallFailed {
    const what =
      error instanceof Misshapen
        ? `answered ${status}, but not as a control plane does: ${error.message}`
        : explain(error);
    return new CallFailed(status, `The control plane at ${this.url} ${what}.`);
  }
}

/** A line of the watch; nothing where a later control plane says more than is known here. @throws Misshapen */
function* readMessage(line: string): Generator<WatchMessage> {
  try {
    yield readJson(WATCH_MESSAGE, line, 'a line');
  } catch (error) {
    if (!(error instanceof UnknownKind)) throw error;
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

function explain(error: Error): string {
  const { name } = error;
  const { code = '', message: reason } = causeOf(error);
  if (name === 'TimeoutError') return `did not answer within ${CALL_MS / 1000} s`;
  if (name === 'AbortError') return 'did not answer in time';
  if (code === 'ECONNREFUSED') return 'can not be reached: nothing listens there (ECONNREFUSED)';
  if (code === 'ENOTFOUND') return 'can not be reached: there is no such host (ENOTFOUND)';
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER') return 'does not speak TLS: its address begins with http://';
  return `can not be reached: ${reason.replace(/\.$/, '')}`;
}

/** What an error goes back to: `fetch` wraps it, and where it goes by a proxy, twice. */
function causeOf(error: NodeJS.ErrnoException): NodeJS.ErrnoException {
  return error.cause instanceof Error ? causeOf(error.cause) : error;
}

async function explainAnswer(response: Response): Promise<string> {
  const text = (await response.text().catch(() => '')).slice(0, 10_000);
  const hint = response.status === 401 ? ' Give it by --token or $OUTRIDER_TOKEN.' : '';
  const problem = readProblem(text);
  if (problem === null) return `The control plane answered ${response.status} ${response.statusText}.${hint}`;
  const { detail, errors } = problem;
  const lines = errors.length > 1 ? errors.map(error => `\n  ${error.field}: ${error.detail}`) : [];
  return `${detail}${hint}${lines.join('')}`;
}
