/**
 * The vocabulary of the conformance table. A case says what a client sends (and, where it matters, what the upstream
 * answers), what may reach the upstream, and what the client may see. Bytes are written as latin1 strings; the
 * upstream is called `up`.
 */

/** One row of the table. */
export interface Case {
  readonly name: string;
  /** Where it stands: `9112 6.3` is RFC 9112 section 6.3. */
  readonly rfc: string;
  readonly client: readonly ClientStep[];
  /** How the upstream answers each request, in the order of their arrival; beyond the list it echoes the request line. */
  readonly upstream: readonly (readonly UpstreamStep[])[];
  /** What may happen; one of these must. */
  readonly outcomes: readonly Outcome[];
  readonly settings: Settings;
  /** What the upstream sends arrives in one piece even where the client's bytes do not. */
  readonly together: boolean;
}

/** What differs from the usual sidecar of the suite. */
export interface Settings {
  /** A second upstream, called `other`. */
  readonly other?: boolean;
  /** Time to read a head, in ms. */
  readonly headTimeout?: number;
  /** How long a client that has closed its half is still answered, in ms. */
  readonly halfClose?: number;
  /** The largest body of a request, in bytes. */
  readonly requestBody?: number;
}

/** A way in which a case may end. */
export interface Outcome {
  /** The complete requests that reach the upstream, in order. */
  readonly reaches: readonly RequestExpectation[];
  /** Beside them, the beginning of one more request may reach the upstream, whose connection is then closed. */
  readonly unfinished: boolean;
  /** The answers that the client sees, interim ones included, in order. */
  readonly sees: readonly AnswerExpectation[];
  /** What becomes of the client's connection; what was left open serves the next request. */
  readonly then: 'open' | 'closed' | 'either' | 'tunnel';
  /** What becomes of the first connection to the upstream. */
  readonly upstreamThen: 'closed' | 'reused' | 'either';
}

/** A request as the upstream must receive it; what is not named here is free. */
export interface RequestExpectation {
  readonly line: string | RegExp;
  /** Names in lower case. A list means one field line each, in this order; null means absent. */
  readonly fields?: FieldExpectations;
  readonly body?: string;
  readonly framing?: 'none' | 'length' | 'chunked';
  readonly trailers?: FieldExpectations;
  /** Which upstream it reaches; `up` unless said otherwise. */
  readonly at?: 'up' | 'other';
}

/** An answer as the client must see it; what is not named here is free. */
export interface AnswerExpectation {
  readonly status: number | readonly number[];
  /** The code in `x-outrider-error`; null where the answer must be the upstream's own. */
  readonly error?: string | RegExp | null;
  readonly fields?: FieldExpectations;
  readonly body?: string | RegExp;
  readonly reason?: string;
  readonly framing?: 'none' | 'length' | 'chunked' | 'close';
  readonly trailers?: FieldExpectations;
  /** It answers a HEAD, or a CONNECT. */
  readonly to?: 'HEAD' | 'CONNECT';
  /** The connection closes before the answer is complete. */
  readonly truncated?: boolean;
}

export type FieldExpectations = Readonly<Record<string, string | readonly string[] | RegExp | null>>;

/** What a client does next: bytes are sent, the rest is one of the functions and constants below. */
export type ClientStep = string | { readonly do: 'answers' | 'reached' | 'pause'; readonly n: number } | Act;
/** What the upstream does next. */
export type UpstreamStep = string | { readonly do: 'pause'; readonly n: number } | Act;

type Act =
  | { readonly do: 'end' | 'ended' | 'reset' | 'tunnel' | 'body' | 'head' }
  | { readonly do: 'hear'; readonly bytes: string };

/** Sends FIN. */
export const END: Act = { do: 'end' };
/** Waits for the other side's FIN. */
export const ENDED: Act = { do: 'ended' };
/** Sends RST. */
export const RESET: Act = { do: 'reset' };
/** The upstream: starts as soon as the head of the request is there; without it, an answer waits for the whole request. */
export const AT_HEAD: Act = { do: 'head' };
/** The upstream, after AT_HEAD: waits for the rest of the request. */
export const BODY: Act = { do: 'body' };
/** The upstream: what comes after the request are a tunnel's bytes. */
export const TUNNEL: Act = { do: 'tunnel' };
/** Waits until these bytes have come through the tunnel. */
export const hear = (bytes: string): Act => ({ do: 'hear', bytes });
export const pause = (ms: number) => ({ do: 'pause', n: ms }) as const;
/** The client: waits until it has seen `n` answers, interim ones included. */
export const answers = (n: number) => ({ do: 'answers', n }) as const;
/** The client: waits until the heads of `n` requests have reached the upstream. */
export const reached = (n: number) => ({ do: 'reached', n }) as const;

/** What every case may say beyond what its kind says already. */
export interface Extras {
  readonly upstream?: readonly (readonly UpstreamStep[])[];
  readonly sees?: readonly (AnswerExpectation | number)[];
  readonly then?: Outcome['then'];
  readonly upstreamThen?: Outcome['upstreamThen'];
  readonly unfinished?: boolean;
  readonly settings?: Settings;
  readonly together?: boolean;
}

type Bytes = string | readonly ClientStep[];
type Requests = string | RequestExpectation | readonly (string | RequestExpectation)[];
type Status = number | readonly number[];

/** The request is refused with 400 (or as given), the connection closes, and nothing of it reaches the upstream. */
export function refused(
  name: string,
  rfc: string,
  bytes: Bytes,
  status: Status = 400,
  extras: Extras = {},
): Case {
  return build(name, rfc, bytes, [refusal(status, false)], extras);
}

/**
 * The fault shows after the head: its beginning may have reached the upstream, but never as a whole request. The
 * client sees the refusal.
 */
export function refusedLate(
  name: string,
  rfc: string,
  bytes: Bytes,
  status: Status = 400,
  extras: Extras = {},
): Case {
  return build(name, rfc, bytes, [refusal(status, true)], extras);
}

/** The requests reach the upstream as given and are answered; the connection stays open. */
export function forwarded(
  name: string,
  rfc: string,
  bytes: Bytes,
  requests: Requests,
  extras: Extras = {},
): Case {
  return build(name, rfc, bytes, [passage(requests, extras)], extras);
}

/** Where the RFC allows both: refused (late or not), or forwarded exactly as given. */
export function refusedOrForwarded(
  name: string,
  rfc: string,
  bytes: Bytes,
  requests: Requests,
  status: Status = 400,
  extras: Extras = {},
): Case {
  return build(name, rfc, bytes, [refusal(status, true), passage(requests, extras)], extras);
}

/** Any other row. */
export function outcome(
  name: string,
  rfc: string,
  bytes: Bytes,
  outcomes: readonly Partial<Outcome>[],
  extras: Extras = {},
): Case {
  return build(name, rfc, bytes, outcomes.map(completeOutcome), extras);
}

/** The upstream's answer (to a GET, or to the request given) is passed on as expected; the connection stays open. */
export function passedOn(
  name: string,
  rfc: string,
  answer: string | readonly UpstreamStep[],
  sees: AnswerExpectation | readonly AnswerExpectation[],
  extras: Extras & { readonly request?: string } = {},
): Case {
  const list = isList(sees) ? sees : [sees];
  const expected = list.map(one => ({ error: null, ...one }));
  const steps = isList(answer) ? answer : [answer];
  const result = completeOutcome({ reaches: [{ line: /./ }], ...extras, sees: expected });
  return build(name, rfc, extras.request ?? get('/x'), [result], { ...extras, upstream: [steps] });
}

/** The upstream's answer can't be trusted: the client sees 502, and the upstream's connection is closed. */
export function badAnswer(
  name: string,
  rfc: string,
  answer: string | readonly UpstreamStep[],
  extras: Extras & {
    readonly request?: string;
    readonly error?: string | RegExp;
    readonly status?: Status;
  } = {},
): Case {
  const steps = isList(answer) ? answer : [answer];
  const sees = [{ status: extras.status ?? 502, error: extras.error ?? 'bad-response' }];
  const result = completeOutcome({
    reaches: [{ line: /./ }],
    sees,
    then: extras.then ?? 'open',
    upstreamThen: 'closed',
  });
  return build(name, rfc, extras.request ?? get('/x'), [result], { ...extras, upstream: [steps] });
}

/**
 * The body of the upstream's answer breaks off or turns out to be malformed: the client sees 502 where nothing had gone
 * out, and otherwise an answer that is visibly incomplete, never one that looks whole.
 */
export function brokenBody(
  name: string,
  rfc: string,
  answer: string | readonly UpstreamStep[],
  extras: Extras & { readonly request?: string } = {},
): Case {
  const steps = isList(answer) ? answer : [answer];
  const base = { reaches: [{ line: /./ }], upstreamThen: 'closed' } as const;
  return build(
    name,
    rfc,
    extras.request ?? get('/x'),
    [
      completeOutcome({ ...base, sees: [{ status: 200, truncated: true, error: null }], then: 'closed' }),
      completeOutcome({ ...base, sees: [{ status: [502, 503], error: /./ }], then: 'open' }),
    ],
    { ...extras, upstream: [steps] },
  );
}

/** A GET for `target` with further field lines. */
export function get(target: string, ...lines: string[]): string {
  return head(`GET ${target} HTTP/1.1`, ...lines);
}

/** A head with the usual Host. */
export function head(requestLine: string, ...lines: string[]): string {
  return [requestLine, 'Host: up', ...lines, '', ''].join('\r\n');
}

/** A POST with further field lines and a body as it stands on the wire. */
export function post(lines: readonly string[], body: string, target = '/post'): string {
  return head(`POST ${target} HTTP/1.1`, ...lines) + body;
}

/** A POST with `Transfer-Encoding: chunked` and this body as it stands on the wire. */
export function chunked(body: string, ...lines: string[]): string {
  return post([...lines, 'Transfer-Encoding: chunked'], body);
}

/** An answer with `Content-Length`. */
export function ok(body: string, ...lines: string[]): string {
  return ['HTTP/1.1 200 OK', ...lines, `Content-Length: ${body.length}`, '', body].join('\r\n');
}

/** The refusal that every case means when it says refused. */
export function refusal(status: Status, unfinished: boolean): Outcome {
  return completeOutcome({ sees: [{ status, error: 'bad-request' }], then: 'closed', unfinished });
}

function passage(requests: Requests, extras: Extras): Outcome {
  const list = (isList(requests) ? requests : [requests]) as readonly (string | RequestExpectation)[];
  const reaches = list.map(one => (typeof one === 'string' ? { line: one } : one));
  const sees =
    extras.sees?.map(one => (typeof one === 'number' ? { status: one } : one)) ?? reaches.map(echoed);
  return completeOutcome({ ...extras, reaches, sees });
}

/** The upstream's usual answer repeats the first two words of the request line. */
function echoed(request: RequestExpectation): AnswerExpectation {
  if (typeof request.line !== 'string') return { status: 200, error: null };
  const [method, target] = request.line.split(' ');
  if (method === 'HEAD') return { status: 200, error: null, to: 'HEAD' };
  return { status: 200, error: null, body: `${method} ${target}` };
}

function completeOutcome(partial: Partial<Outcome>): Outcome {
  return {
    reaches: partial.reaches ?? [],
    unfinished: partial.unfinished ?? false,
    sees: partial.sees ?? [],
    then: partial.then ?? 'open',
    upstreamThen: partial.upstreamThen ?? 'either',
  };
}

function build(name: string, rfc: string, bytes: Bytes, outcomes: readonly Outcome[], extras: Extras): Case {
  const client = typeof bytes === 'string' ? [bytes] : bytes;
  const { upstream = [], settings = {}, together = false } = extras;
  return { name, rfc, client, upstream, outcomes, settings, together };
}

function isList<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
