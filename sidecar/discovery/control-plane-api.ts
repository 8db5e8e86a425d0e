import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { SIDECAR_HEADER } from '../../control-plane/contract/watch-messages.ts';
import { hostLookup } from '../io/host-lookup.ts';

/** Where the control plane is and who asks. */
export interface ControlPlaneTarget {
  /** `http:` or `https:`, without a path. */
  readonly url: string;
  /** A bearer token; empty: none. */
  readonly token: string;
  /** This sidecar's id. */
  readonly sidecar: string;
}

/** What the control plane answered. */
export interface ApiAnswer {
  readonly status: number;
  /** The body as JSON; null where it is none. */
  readonly body: unknown;
  /** For a refusal: what is wrong, completing "the control plane …". */
  readonly problem: string | null;
}

/** Longest answer that is looked at, in characters. */
const MAX_BODY = 1024 * 1024;

/** Single calls of the control plane's API. Never rejects: an API that can't be reached is an answer with status 0. */
export class ControlPlaneApi {
  private readonly target: ControlPlaneTarget;

  constructor(target: ControlPlaneTarget) {
    this.target = target;
  }

  /** @param timeoutMs how long the whole call may take */
  call(method: string, path: string, body: object | null, timeoutMs: number): Promise<ApiAnswer> {
    const { url, token, sidecar } = this.target;
    const send = url.startsWith('https:') ? httpsRequest : httpRequest;
    const text = body === null ? null : JSON.stringify(body);
    return new Promise(resolve => {
      const fail = (problem: string) => resolve({ status: 0, body: null, problem });
      const request = send(`${url}${path}`, {
        method,
        agent: false,
        lookup: hostLookup.lookup,
        signal: AbortSignal.timeout(timeoutMs),
        headers: {
          [SIDECAR_HEADER]: sidecar,
          ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
          ...(text === null
            ? {}
            : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        },
      });
      request.on('response', answer => readAnswer(answer, resolve, fail));
      request.on('error', error => {
        fail(
          error.name === 'AbortError'
            ? `did not answer within ${timeoutMs} ms`
            : `can not be reached: ${error.message}`,
        );
      });
      request.end(text ?? undefined);
    });
  }
}

function readAnswer(
  answer: IncomingMessage,
  resolve: (answer: ApiAnswer) => void,
  fail: (problem: string) => void,
): void {
  let text = '';
  answer.setEncoding('utf8');
  answer.on('data', (chunk: string) => {
    if (text.length < MAX_BODY) text += chunk;
  });
  answer.on('error', error => fail(`broke its answer off: ${error.message}`));
  answer.on('end', () => {
    const status = answer.statusCode ?? 0;
    const isFine = status >= 200 && status < 300;
    resolve({ status, body: parse(text), problem: isFine ? null : explainAnswer(status, text) });
  });
}

/** What a refusal says (RFC 9457 where it is that), completing "the control plane …". */
export function explainAnswer(status: number, text: string): string {
  const body = parse(text) as { detail?: unknown; title?: unknown } | null;
  const detail = body?.detail ?? body?.title;
  const hint = status === 401 || status === 403 ? '; look at controlPlane.token' : '';
  return `answered ${status}${typeof detail === 'string' ? `: ${detail.slice(0, 300)}` : ''}${hint}`;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
