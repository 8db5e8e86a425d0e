import { isIdempotent, isSafe } from '../../control-plane/contract/methods.ts';
import type { Failure, FailureKind } from './failure.ts';
import type { Fallback } from './fallback.ts';
import type { Fields } from './fields.ts';
import type { RequestBody } from './request-body.ts';
import type { RetryRefusal } from './retry-refusal.ts';
import type { Tunnel } from './tunnel.ts';

/** What an attempt goes to, as layers above the balancer, the access log and metrics see it. */
export interface AttemptTarget {
  /** `host:port` */
  readonly name: string;
}

/** What an attempt came to: the status of its answer, why there was none, or why it was not waited for any longer. */
export type AttemptEnd = number | FailureKind | 'moved' | 'outrun';

/** An attempt and what it came to, for whoever asks why. */
export interface EndedAttempt {
  /** `host:port` */
  readonly endpoint: string;
  readonly cameTo: AttemptEnd;
}

/** As many are noted of one exchange. */
const MAX_ENDS = 16;

/** What a request looks like before any policy has seen it. */
export interface RequestHead {
  readonly method: string;
  /** The protocol's version as received, such as `1.1`; for `Via` (RFC 9110 section 7.6.3). */
  readonly version: string;
  /** Origin form (`/path?query`), or `*` for OPTIONS, or `host:port` for CONNECT (RFC 9112 section 3.2). */
  readonly target: string;
  /** The host (and port) the request is for, as its `Host` says too. Routing may put the service's name in both. */
  authority: string;
  /** End-to-end fields with `Host`; what concerns the application's connection alone is gone. */
  readonly fields: Fields;
  /** The protocols of an `Upgrade` field that the application wants to switch to, or null (RFC 9110 section 7.8). */
  readonly upgrade: string | null;
}

/** Says how many milliseconds there are left to answer a request. */
export const DEADLINE_FIELD = 'x-request-deadline-ms';
/** The same as gRPC has it: up to eight digits and a unit. */
export const GRPC_TIMEOUT_FIELD = 'grpc-timeout';

/** One request and its way through the sidecar: the head, the body, and notes that layers leave for each other. */
export class Exchange {
  readonly head: RequestHead;
  /** Null where the request has no body. */
  readonly body: RequestBody | null;
  /** What the connection may turn into: for CONNECT and for requests with `Upgrade`, else null. */
  readonly tunnel: Tunnel | null;
  /** Monotonic milliseconds at which the head was complete. */
  readonly startedAt: number;
  /** Attempts that were started so far, stale connections not counted. */
  attempts = 0;
  /** Requests that were sent again because a reused connection turned out to be closed. */
  staleReplays = 0;
  /** How often it was sent to another endpoint because one did not answer. */
  moves = 0;
  /** Attempts that were sent beside one that was silent; they count among {@link attempts}. */
  hedges = 0;
  /** Which attempt of the one who sent it this is, 1 where it does not say; 0: not looked at yet. */
  outerAttempt = 0;
  /** How many attempts were said to be further ones. */
  furtherAttempts = 0;
  /** The endpoints that were tried, oldest first; the last one is the current one: of several at once, the one that was heard of last. */
  readonly tried: AttemptTarget[] = [];
  /** What attempts came to, in the order in which that was known; null where all went well so far. */
  ends: EndedAttempt[] | null = null;
  /** Why the next attempt has to wait until an endpoint can be connected to; null where it has not to. */
  waitsFor: Failure | null = null;
  /** Monotonic milliseconds since when it is known that it would have to wait; null before that. */
  waitsSince: number | null = null;
  /** How long it waited for a place among the requests under way, in ms. */
  waited = 0;
  /** Why it was not sent again where it should have been; null where it was, or need not be. */
  retryRefused: RetryRefusal | null = null;
  /** Whether it stands in for another exchange, of another upstream: then nothing stands in for it. */
  isFallback = false;
  /** What it was answered with in the upstream's place; null where nothing was needed. */
  fallback: Fallback | null = null;
  /** How long it may take in all until the head of its answer, in ms, from when the application has sent it. */
  total = Number.POSITIVE_INFINITY;
  /** Monotonic milliseconds at which the caller waits no longer, as it says itself. */
  callerDeadline = Number.POSITIVE_INFINITY;
  /** How long a fault that was made on purpose held it back, in ms: its time begins after that. */
  injectedDelay = 0;
  /** Whether endpoints are told how much time is left. */
  tellsTimeLeft = false;
  /** Whether they are told so in `grpc-timeout` too, as the request said it. */
  tellsGrpcTimeout = false;

  constructor(head: RequestHead, body: RequestBody | null, tunnel: Tunnel | null, startedAt: number) {
    this.head = head;
    this.body = body;
    this.tunnel = tunnel;
    this.startedAt = startedAt;
  }

  /** Notes what an attempt came to. */
  noteEnd({ name }: AttemptTarget, cameTo: AttemptEnd): void {
    this.ends ??= [];
    if (this.ends.length < MAX_ENDS) this.ends.push({ endpoint: name, cameTo });
  }

  /** Monotonic milliseconds from which on its timeouts count. */
  get begunAt(): number {
    return this.startedAt + this.injectedDelay;
  }

  /** Milliseconds that are left until the head of the answer must be there; 0 and less: none. */
  timeLeft(now: number): number {
    const { body } = this;
    let begun = this.begunAt;
    if (body !== null) begun = body.isComplete ? Math.max(begun, body.completedAt) : now;
    return Math.min(this.callerDeadline, begun + this.total) - now;
  }

  /** When `ms` have passed: how many are left if the time that the application took to send its request is not counted; 0 and less: none. */
  leftOf(ms: number, now: number): number {
    const { body } = this;
    if (body === null) return 0;
    return body.isComplete ? body.completedAt + ms - now : ms;
  }

  /** What the endpoint is told is left, in whole milliseconds from 1 on; `Infinity` where it is told nothing. */
  toldTimeLeft(now: number): number {
    return this.tellsTimeLeft ? Math.max(1, Math.round(this.timeLeft(now))) : Number.POSITIVE_INFINITY;
  }

  /** Whether it asks for nothing to be done (RFC 9110 section 9.2.1). */
  get isSafe(): boolean {
    return isSafe(this.head.method);
  }

  /** Whether doing the request twice is the same as doing it once (RFC 9110 section 9.2.2). */
  get isIdempotent(): boolean {
    return this.head.upgrade === null && isIdempotent(this.head.method);
  }

  /** Whether the whole request can be sent again: no body byte is lost yet. */
  get isReplayable(): boolean {
    return this.body === null || this.body.isReplayable;
  }
}
