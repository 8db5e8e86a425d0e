import { type ApiCall, readAnswer, readProblem } from '../../control-plane/contract/calls.ts';
import { Misshapen } from '../../control-plane/contract/shape.ts';
import { SIDECAR_HEADER } from '../../control-plane/contract/watch-messages.ts';
import { hostLookup } from '../io/host-lookup.ts';
import { requestTo } from '../io/request-to.ts';

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
export type ApiAnswer<T> =
  | { readonly ok: true; readonly body: T }
  | {
      readonly ok: false;
      /** 0 where no answer came. */
      readonly status: number;
      /** What is wrong, completing "the control plane …". */
      readonly problem: string;
    };

/** Longest answer that is looked at, in characters. */
const MAX_BODY = 1024 * 1024;

/** Single calls of the control plane's API. Never rejects: that it can't be reached is an answer too. */
export class ControlPlaneApi {
  private readonly target: ControlPlaneTarget;

  constructor(target: ControlPlaneTarget) {
    this.target = target;
  }

  /** @param timeoutMs how long the whole call may take */
  call<T>(call: ApiCall<T>, body: object | null, timeoutMs: number): Promise<ApiAnswer<T>> {
    const { url, token, sidecar } = this.target;
    const send = requestTo(url);
    const text = body === null ? null : JSON.stringify(body);
    return new Promise(resolve => {
      const fail = (problem: string) => resolve({ ok: false, status: 0, problem });
      const request = send(url + call.path, {
        method: call.method,
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
      const explain = (error: Error): string =>
        error.name === 'AbortError'
          ? `did not answer within ${timeoutMs} ms`
          : `can not be reached: ${error.message}`;
      request.on('error', error => fail(explain(error)));
      request.on('response', answer => {
        let received = '';
        answer.setEncoding('utf8');
        answer.on('data', (chunk: string) => {
          if (received.length < MAX_BODY) received += chunk;
        });
        answer.on('error', error =>
          fail(error.name === 'AbortError' ? explain(error) : `broke its answer off: ${error.message}`),
        );
        answer.on('end', () => resolve(judge(call, answer.statusCode ?? 0, received)));
      });
      request.end(text ?? undefined);
    });
  }
}

function judge<T>(call: ApiCall<T>, status: number, text: string): ApiAnswer<T> {
  if (status < 200 || status >= 300) return { ok: false, status, problem: explainAnswer(status, text) };
  try {
    return { ok: true, body: readAnswer(call, text) };
  } catch (error) {
    if (!(error instanceof Misshapen)) throw error;
    return {
      ok: false,
      status,
      problem: `answered ${status}, but not as a control plane does: ${error.message}`,
    };
  }
}

/** What a refusal says (RFC 9457 where it is that), completing "the control plane …". */
export function explainAnswer(status: number, text: string): string {
  const detail = readProblem(text)?.detail.slice(0, 300).replace(/\.$/, '');
  const hint = status === 401 || status === 403 ? '; look at controlPlane.token' : '';
  return `answered ${status}${detail === undefined ? '' : `: ${detail}`}${hint}`;
}
