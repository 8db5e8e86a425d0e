import type { EndedAttempt } from '../exchange/exchange.ts';
import type { FailureKind } from '../exchange/failure.ts';
import type { FallbackKind } from '../exchange/fallback.ts';
import type { RetryRefusal } from '../exchange/retry-refusal.ts';

/** What the access log notes of an exchange while it is served. Mutable and used again. */
export class AccessLogEntry {
  method = '';
  target = '';
  authority = '';
  requestId = '';
  upstream = '';
  endpoint = '';
  status = 0;
  flag = '-';
  error: FailureKind | null = null;
  lastError: FailureKind | null = null;
  detail = '';
  requestBytes = 0;
  responseBytes = 0;
  attempts = 0;
  retryRefused: RetryRefusal | null = null;
  fallback: FallbackKind | null = null;
  coveredStatus = 0;
  staleReplays = 0;
  moves = 0;
  waited = 0;
  hedges = 0;
  injectedDelay = 0;
  ends: readonly EndedAttempt[] | null = null;
  /** Monotonic milliseconds. */
  startedAt = 0;
  /** Monotonic milliseconds. */
  endedAt = 0;

  /** Lets go of what the exchange referred to. */
  clear(): void {
    this.method = '';
    this.target = '';
    this.authority = '';
    this.requestId = '';
    this.upstream = '';
    this.endpoint = '';
    this.flag = '-';
    this.error = null;
    this.lastError = null;
    this.detail = '';
    this.requestBytes = 0;
    this.responseBytes = 0;
    this.attempts = 0;
    this.retryRefused = null;
    this.fallback = null;
    this.coveredStatus = 0;
    this.staleReplays = 0;
    this.moves = 0;
    this.waited = 0;
    this.hedges = 0;
    this.injectedDelay = 0;
    this.ends = null;
  }
}

/**
 * A line of the access log. What is not known of an exchange is left out.
 * Values from outside are cut to a bound; secrets in URLs are taken out, and no field of a message is shown but the request's id.
 */
export interface AccessLogLine {
  /** When the request's head was complete, ISO 8601. */
  readonly time: string;
  readonly method: string | undefined;
  readonly path: string | undefined;
  readonly authority: string | undefined;
  readonly upstream: string | undefined;
  /** The endpoint of the last attempt, `host:port`. */
  readonly endpoint: string | undefined;
  /** The status that the application got; 0 where it got none. */
  readonly status: number;
  /** The failure's flag, with that of the last attempt where retries were exhausted (`URX,UF`); `-` where there was none. */
  readonly flag: string;
  /** The failure's kind. */
  readonly error: FailureKind | undefined;
  /** Of the last attempt, where retries were exhausted. */
  readonly lastError: FailureKind | undefined;
  readonly detail: string | undefined;
  /** Bytes of the request's body. */
  readonly requestBytes: number;
  /** Bytes of the answer's body. */
  readonly responseBytes: number;
  readonly durationMs: number;
  readonly attempts: number;
  /**
   * Each attempt and what it came to, `host:port WHAT`, in the order in which that was known: the status of its answer, the kind of its
   * failure, `moved` or `outrun`; absent where there is nothing to tell beyond `endpoint`, `status` and `error`.
   */
  readonly tried: readonly string[] | undefined;
  /** Why there was no further attempt where there should have been one. */
  readonly retryRefused: RetryRefusal | undefined;
  /** What stood in for the upstream; then `error` says what it failed with. */
  readonly fallback: FallbackKind | undefined;
  /** The status of the answer that a fallback replaced. */
  readonly coveredStatus: number | undefined;
  /** How often the request was sent anew because a reused connection had been closed. */
  readonly staleReplays: number;
  /** How often it was sent to another endpoint because one did not answer; absent where it was not. */
  readonly moves: number | undefined;
  /** How long it waited for a place among the requests under way; absent where it did not. */
  readonly waitedMs: number | undefined;
  /** How many of the attempts were sent beside one that was silent; absent where none was. */
  readonly hedges: number | undefined;
  /** How long it was delayed on purpose (`fault.delay`); absent where it was not. */
  readonly injectedDelayMs: number | undefined;
  /** The request's `X-Request-Id`. */
  readonly requestId: string | undefined;
}

/** @param wallOffset what to add to monotonic milliseconds to get milliseconds since 1970 */
export function toLine(entry: AccessLogEntry, wallOffset: number): AccessLogLine {
  return {
    time: new Date(wallOffset + entry.startedAt).toISOString(),
    method: bounded(entry.method, 32),
    path: bounded(withoutSecrets(entry.target), 1024),
    authority: bounded(withoutUserinfo(entry.authority), 255),
    upstream: bounded(entry.upstream, 255),
    endpoint: bounded(entry.endpoint, 255),
    status: entry.status,
    flag: entry.flag,
    error: entry.error ?? undefined,
    lastError: entry.lastError ?? undefined,
    detail: bounded(entry.detail, 512),
    requestBytes: entry.requestBytes,
    responseBytes: entry.responseBytes,
    durationMs: Math.round((entry.endedAt - entry.startedAt) * 1000) / 1000,
    attempts: entry.attempts,
    tried: triedOf(entry),
    retryRefused: entry.retryRefused ?? undefined,
    fallback: entry.fallback ?? undefined,
    coveredStatus: entry.coveredStatus > 0 ? entry.coveredStatus : undefined,
    staleReplays: entry.staleReplays,
    moves: entry.moves > 0 ? entry.moves : undefined,
    waitedMs: entry.waited > 0 ? Math.round(entry.waited * 1000) / 1000 : undefined,
    hedges: entry.hedges > 0 ? entry.hedges : undefined,
    injectedDelayMs: entry.injectedDelay > 0 ? Math.round(entry.injectedDelay) : undefined,
    requestId: bounded(entry.requestId, 128),
  };
}

/** The line for people: space-separated, every value escaped so that it can't pretend to be another one or another line. */
export function toText(line: AccessLogLine): string {
  const words = [
    line.time,
    word(line.method),
    `${word(line.authority)} ${word(line.path)}`,
    String(line.status),
    line.flag,
    `${line.durationMs}ms`,
    `${word(line.upstream)}@${word(line.endpoint)}`,
    `in=${line.requestBytes}`,
    `out=${line.responseBytes}`,
    `attempts=${line.attempts}`,
  ];
  if (line.tried !== undefined)
    words.push(`tried=${line.tried.map(one => word(one.replace(' ', '='))).join()}`);
  if (line.retryRefused !== undefined) words.push(`not-retried=${line.retryRefused}`);
  if (line.fallback !== undefined) words.push(`fallback=${line.fallback}`);
  if (line.coveredStatus !== undefined) words.push(`covered=${line.coveredStatus}`);
  if (line.staleReplays > 0) words.push(`replays=${line.staleReplays}`);
  if (line.moves !== undefined) words.push(`moves=${line.moves}`);
  if (line.waitedMs !== undefined) words.push(`waited=${line.waitedMs}ms`);
  if (line.hedges !== undefined) words.push(`hedges=${line.hedges}`);
  if (line.injectedDelayMs !== undefined) words.push(`injected-delay=${line.injectedDelayMs}ms`);
  if (line.requestId !== undefined) words.push(`id=${word(line.requestId)}`);
  if (line.error !== undefined) words.push(`error=${line.error}`);
  if (line.lastError !== undefined) words.push(`last=${line.lastError}`);
  if (line.detail !== undefined) words.push(JSON.stringify(line.detail));
  return words.join(' ');
}

function triedOf({ ends, status, error }: AccessLogEntry): readonly string[] | undefined {
  if (ends === null) return undefined;
  const [{ cameTo }] = ends;
  if (ends.length === 1 && (cameTo === status || cameTo === error)) return undefined;
  return ends.map(end => `${bounded(end.endpoint, 255)} ${end.cameTo}`);
}

function bounded(value: string, length: number): string | undefined {
  if (value === '') return undefined;
  return value.length <= length ? value : `${value.slice(0, length)}…`;
}

/** Takes user names and passwords out of URLs, also of one that is part of a path, and values out of parameters that sound secret. */
function withoutSecrets(target: string): string {
  const safe = withoutUserinfo(target.slice(0, SHOWN_TARGET));
  const queryStart = safe.indexOf('?');
  if (queryStart < 0) return safe;
  const parameters = safe.slice(queryStart + 1).split('&');
  return `${safe.slice(0, queryStart)}?${parameters.map(hideSecret).join('&')}`;
}

function hideSecret(parameter: string): string {
  const equals = parameter.indexOf('=');
  if (equals < 0 || !SECRET_NAME.test(parameter.slice(0, equals))) return parameter;
  return `${parameter.slice(0, equals)}=***`;
}

function withoutUserinfo(url: string): string {
  return url.includes('@') ? url.replace(USERINFO, '$1') : url;
}

/** More than is shown, so that a cut is seen as one. */
const SHOWN_TARGET = 2048;
const SECRET_NAME = /token|secret|passw|pwd|signature|api.?key|auth|credential|session|^(key|sig|code|jwt)$/i;
const USERINFO = /(^|\/\/)[^/?#@]*@/g;

/** One word of printable ASCII, or `-`. */
function word(value: string | undefined): string {
  return value === undefined ? '-' : value.replace(/[^\x21-\x7e]|\\/g, escapeCharacter);
}

function escapeCharacter(character: string): string {
  return character === '\\' ? '\\\\' : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
