import type { Policy } from '../../control-plane/contract/policy.ts';
import { Exchange } from '../exchange/exchange.ts';
import { type Failure, type FailureKind, failure } from '../exchange/failure.ts';
import type { FallbackKind } from '../exchange/fallback.ts';
import { detached, type Fields, setField } from '../exchange/fields.ts';
import { ERROR_FIELD, FALLBACK_FIELD, ownHead, RETRY_FIELD } from '../exchange/own-head.ts';
import {
  type Call,
  ENDED_CALL,
  type Layer,
  type Reply,
  type ResponseHead,
  type Service,
} from '../exchange/service.ts';
import { Timer, type TimerOwner, type TimerWheel } from '../io/timer-wheel.ts';
import type { AnswerCache, KeptAnswer } from './answer-cache.ts';
import { AskingCall, DISCARDED } from './asking-call.ts';
import { withoutFurtherAttempts } from './attempt-number.ts';
import { CachedAnswers, type Keeping } from './cached-answers.ts';
import { mayBeDoneTwice } from './done-twice.ts';
import { StaticAnswer } from './static-answer.ts';
import { StatusSet } from './status-set.ts';

type FallbackSettings = NonNullable<Policy['fallback']>;

interface FallbackOptions {
  readonly settings: FallbackSettings;
  /** What may be sent to another upstream although this one may have acted upon it. */
  readonly methods: Policy['retry']['methods'];
  /** The last good answers; null where none are kept. */
  readonly answers: AnswerCache | null;
  /** The stack of another upstream; null where there is none of this name. */
  readonly other: (name: string) => Service | null;
  readonly upstream: string;
  readonly counters: { readonly fallbacks: Record<FallbackKind, number> };
  readonly wheel: Pick<TimerWheel, 'now' | 'start' | 'stop'>;
  readonly date: { now(): string };
  /** Monotonic ms that pass also while the process is stopped: what is kept grows old meanwhile. */
  readonly ageClock: () => number;
}

/** What the application did itself, or would only do again. */
const NEVER_COVERED: ReadonlySet<FailureKind> = new Set([
  'client-gone',
  'bad-request',
  'no-route',
  'rate-limited',
]);

/**
 * Answers where the upstream does not, as Hystrix' fallbacks and nginx' `proxy_cache_use_stale` do: with the last good answer, with
 * that of another upstream, or with one of its own, whichever can be had first. It stands around all that may refuse or fail, so that
 * the breaker and the endpoints' judges see what happened; a total timeout outside reaches it as a cancelled call, for which it can still
 * answer at once. Once the head of an answer has gone out there is nothing left to cover.
 */
export function fallbackLayer(options: FallbackOptions): Layer {
  return next => new FallbackService(next, options);
}

class FallbackService implements Service {
  readonly next: Service;
  readonly options: FallbackOptions;
  /** Null where no answers are kept. */
  readonly cached: CachedAnswers | null;
  /** Null where there is no such answer. */
  readonly own: StaticAnswer | null;
  readonly coversFailures: boolean;
  /** Those of answers that are covered for. */
  readonly statuses: StatusSet;

  constructor(next: Service, options: FallbackOptions) {
    this.next = next;
    this.options = options;
    const { settings, answers } = options;
    this.cached =
      answers === null || settings.cached === null ? null : new CachedAnswers(answers, settings.cached);
    this.own = settings.static === null ? null : new StaticAnswer(settings.static);
    this.coversFailures = settings.on.includes('failure');
    this.statuses = new StatusSet(settings.on);
  }

  call(exchange: Exchange, reply: Reply): Call {
    // One that stands in for another falls back no further: two upstreams may be each other's. A tunnel is no answer.
    if (exchange.isFallback || exchange.head.method === 'CONNECT') return this.next.call(exchange, reply);
    const call = new FallbackCall(this, exchange, reply);
    call.begin();
    return call;
  }
}

class FallbackCall extends AskingCall<'asking' | 'asking-other' | 'answering'> implements TimerOwner {
  private readonly service: FallbackService;
  private readonly exchange: Exchange;
  private hasAskedOther = false;
  /** What the upstream failed with, and the other one. */
  private reason: Failure | null = null;
  private otherReason: Failure | null = null;
  /** Of the answer that was discarded. */
  private status = 0;
  /** The answer that is kept as it passes; null where none is. */
  private keeping: Keeping | null = null;
  private kept = '';
  private pieces = 0;
  /** Until something else is answered; null where the answer is waited for. */
  private timer: Timer | null = null;

  constructor(service: FallbackService, exchange: Exchange, reply: Reply) {
    super(reply, 'asking');
    this.service = service;
    this.exchange = exchange;
  }

  begin(): void {
    this.ask(this.service.next, this.exchange);
    this.waitNoLongerThan(this.service.options.settings.after);
  }

  /** @param ms how long an answer is waited for; null: as long as it may take */
  private waitNoLongerThan(ms: number | null): void {
    if (ms === null || this.phase !== 'asking') return;
    const { wheel } = this.service.options;
    this.timer ??= new Timer(this);
    wheel.start(this.timer, ms, wheel.now());
  }

  onTimer(): void {
    const { wheel, settings } = this.service.options;
    const after = settings.after ?? 0;
    const left = this.exchange.leftOf(after, wheel.now());
    if (left > 0) return this.waitNoLongerThan(left);
    if (!this.service.coversFailures || !this.hasStandIn) return;
    const { upstream } = this.service.options;
    const detail = `${upstream} has not answered within ${after} ms (fallback.after).`;
    this.current.cancel(failure('deadline', detail));
  }

  cancel(reason: Failure): void {
    if (this.phase === 'answering') this.failWith(reason);
    else this.current.cancel(reason);
  }

  override head(head: ResponseHead): void {
    const { service, exchange } = this;
    this.stopTimer();
    if (service.statuses.has(head.status) && this.hasStandIn) {
      if (this.phase === 'asking') this.status = head.status;
      this.phase = 'discarding';
      return;
    }
    if (this.phase === 'asking-other') {
      this.phase = 'passing';
      // What was changed there is no more what is kept.
      service.cached?.note(exchange, head, service.options.ageClock());
      this.note('upstream');
      return this.reply.head({ ...head, fields: this.marked(head.fields) });
    }
    this.phase = 'passing';
    this.keeping = service.cached?.note(exchange, head, service.options.ageClock()) ?? null;
    this.reply.head(head);
  }

  override data(chunk: Buffer): void {
    // Only of an answer that passes.
    if (this.keeping !== null) this.keep(chunk);
    super.data(chunk);
  }

  override end(trailers: Fields | null): void {
    if (this.phase === 'discarding') return this.cover();
    const { keeping, kept } = this;
    if (keeping !== null && trailers === null) {
      // In one piece: a text that is put together of many takes many times its length.
      const body = this.pieces < 2 ? kept : detached(kept);
      this.service.cached?.keep(this.exchange, keeping, body);
    }
    this.reply.end(trailers);
  }

  override fail(reason: Failure): void {
    const { phase, service } = this;
    this.stopTimer();
    if (phase === 'passing' || reason.kind === 'client-gone' || reason.kind === 'bad-request')
      return this.failWith(reason);
    if (phase === 'asking') {
      if (!service.coversFailures || NEVER_COVERED.has(reason.kind)) return this.failWith(reason);
      this.reason = reason;
    } else if (phase === 'asking-other') {
      this.otherReason = reason;
    } else if (reason !== DISCARDED) {
      this.reason ??= reason;
    }
    this.cover();
  }

  private failWith(reason: Failure): void {
    this.phase = 'passing';
    this.reply.fail(reason);
  }

  private keep(chunk: Buffer): void {
    if (this.kept.length + chunk.length <= (this.service.cached?.entrySize ?? 0)) {
      this.kept += chunk.toString('latin1');
      this.pieces++;
      return;
    }
    this.keeping = null;
    this.kept = '';
  }

  /** Whether something can be answered instead of the answer that is there. */
  private get hasStandIn(): boolean {
    if (this.phase !== 'asking' && this.phase !== 'asking-other') return false;
    if (this.ownAnswer !== null) return true;
    return this.phase === 'asking' && (this.findKept() !== null || this.findOther() !== null);
  }

  private get ownAnswer(): StaticAnswer | null {
    const { own } = this.service;
    return own?.isFor(this.exchange) ? own : null;
  }

  private stopTimer(): void {
    if (this.timer !== null) this.service.options.wheel.stop(this.timer);
  }

  private findKept(): KeptAnswer | null {
    const { cached, options } = this.service;
    return cached === null ? null : cached.find(this.exchange, options.ageClock());
  }

  private findOther(): Service | null {
    const { exchange, service, reason } = this;
    const { settings, methods, wheel, other } = service.options;
    if (settings.upstream === null || !exchange.isReplayable || exchange.timeLeft(wheel.now()) <= 0)
      return null;
    if (reason?.reachedNobody !== true && !mayBeDoneTwice(exchange, methods)) return null;
    return other(settings.upstream);
  }

  private cover(): void {
    if (!this.hasAskedOther) {
      const kept = this.findKept();
      if (kept !== null) return this.answerKept(kept);
      const other = this.findOther();
      if (other !== null) return this.askOther(other);
    }
    const own = this.ownAnswer;
    if (own === null) return this.failWith(this.failure());
    const isHead = this.exchange.head.method === 'HEAD';
    const isExhausted = this.reason?.isExhausted ? [RETRY_FIELD, 'exhausted'] : [];
    this.note('static');
    const fields = this.marked(['date', this.service.options.date.now(), ...isExhausted]);
    this.answer(own.head(fields, isHead), isHead ? null : own.body);
  }

  private answerKept({ status, reason, fields, body, bornAt }: KeptAnswer): void {
    const isHead = this.exchange.head.method === 'HEAD';
    this.note('cached');
    const age = Math.max(0, Math.floor((this.service.options.ageClock() - bornAt) / 1000));
    const marked = this.marked([...fields, 'Age', String(age)]);
    const head = ownHead(status, marked, isHead ? 0 : body.length, reason);
    this.answer(head, isHead ? null : Buffer.from(body, 'latin1'));
  }

  private answer(head: ResponseHead, body: Buffer | null): void {
    this.phase = 'answering';
    this.asked++;
    this.current = ENDED_CALL;
    this.reply.head(head);
    if (body !== null && body.length > 0 && this.isAnswering) this.reply.data(body);
    if (!this.isAnswering) return;
    this.phase = 'passing';
    this.reply.end(null);
  }

  /** Whoever was told of the answer may have given up. */
  private get isAnswering(): boolean {
    return this.phase === 'answering';
  }

  private askOther(other: Service): void {
    const { exchange, service } = this;
    const { head, body, tunnel } = exchange;
    const { wheel, settings, upstream } = service.options;
    const now = wheel.now();
    const fields = withoutFurtherAttempts(exchange);
    const authority = renamed(head.authority, upstream, settings.upstream ?? '');
    if (authority !== head.authority) setField(fields, 'host', 'Host', authority);
    const instead = new Exchange({ ...head, authority, fields }, body, tunnel, now);
    instead.callerDeadline = now + exchange.timeLeft(now);
    instead.isFallback = true;
    instead.tellsGrpcTimeout = exchange.tellsGrpcTimeout;
    this.hasAskedOther = true;
    this.phase = 'asking-other';
    this.ask(other, instead);
  }

  private note(kind: FallbackKind): void {
    const { reason, status } = this;
    this.exchange.fallback = { kind, reason, status };
    this.service.options.counters.fallbacks[kind]++;
  }

  /** The fields with what answers, and what for. */
  private marked(fields: Fields): Fields {
    const { fallback } = this.exchange;
    const marked: Fields = [];
    for (let i = 0; i < fields.length; i += 2) {
      const name = fields[i].toLowerCase();
      if (name !== FALLBACK_FIELD && name !== ERROR_FIELD) marked.push(fields[i], fields[i + 1]);
    }
    if (fallback !== null) marked.push(FALLBACK_FIELD, fallback.kind);
    if (this.reason !== null) marked.push(ERROR_FIELD, this.reason.kind);
    return marked;
  }

  /** What is told where nothing could stand in. */
  private failure(): Failure {
    const { reason, otherReason, status, service } = this;
    const { upstream, settings } = service.options;
    if (otherReason === null) {
      const detail = `${upstream} answered ${status}, and there is nothing left to fall back on (fallback).`;
      return reason ?? failure('no-endpoint', detail, false);
    }
    const asked = `${settings.upstream} was asked instead (fallback.upstream): ${otherReason.detail}`;
    if (reason !== null) return { ...reason, detail: `${reason.detail} Then ${asked}` };
    return { ...otherReason, detail: `${upstream} answered ${status}. Then ${asked}` };
  }
}

/** The authority as the other upstream would have it: what names the one names the other, anything else stays. */
function renamed(authority: string, from: string, to: string): string {
  const host = authority
    .toLowerCase()
    .replace(/:\d*$/, '')
    .replace(/\.$/, '')
    .replace(/\.mesh$/, '');
  return host === from ? to : authority;
}
