import type { Exchange } from '../exchange/exchange.ts';
import { type Failure, isRetriable, notRetried, retryExhausted } from '../exchange/failure.ts';
import { type Fields, getField } from '../exchange/fields.ts';
import { RETRY_FIELD } from '../exchange/own-head.ts';
import type { RetryRefusal } from '../exchange/retry-refusal.ts';
import {
  type Call,
  ENDED_CALL,
  type Layer,
  type Reply,
  type ResponseHead,
  type Service,
} from '../exchange/service.ts';
import { Timer, type TimerOwner } from '../io/timer-wheel.ts';
import type { UpstreamCounters } from '../telemetry/counters.ts';
import { AskingCall } from './asking-call.ts';
import { markFurtherAttempt } from './attempt-number.ts';
import { type NextAttempt, RetryRules, type RetryRulesOptions } from './retry-rules.ts';

interface RetryOptions extends RetryRulesOptions {
  readonly counters: UpstreamCounters;
}

const EXHAUSTED: Fields = [RETRY_FIELD, 'exhausted'];

/**
 * Sends a request again after an attempt that failed or was answered badly, where {@link RetryRules} say so, as long as it has told the
 * application nothing of an answer.
 */
export function retryLayer(options: RetryOptions): Layer {
  return next => new RetryService(next, options);
}

class RetryService implements Service {
  readonly next: Service;
  readonly options: RetryOptions;
  readonly rules: RetryRules;

  constructor(next: Service, options: RetryOptions) {
    this.next = next;
    this.options = options;
    this.rules = new RetryRules(options);
  }

  call(exchange: Exchange, reply: Reply): Call {
    this.options.budget.onRequest(exchange.begunAt);
    const call = new RetriedCall(this, exchange, reply);
    call.attempt();
    return call;
  }
}

class RetriedCall extends AskingCall<'attempting' | 'pausing' | 'cancelled'> implements TimerOwner {
  readonly exchange: Exchange;
  received = 0;
  isCounted = false;
  private readonly service: RetryService;
  /** How long to wait behind the answer that is discarded, in ms. */
  private wait = 0;
  private timer: Timer | null = null;

  constructor(service: RetryService, exchange: Exchange, reply: Reply) {
    super(reply, 'attempting');
    this.service = service;
    this.exchange = exchange;
  }

  get started(): number {
    return this.asked;
  }

  attempt(): void {
    this.phase = 'attempting';
    this.ask(this.service.next, this.exchange);
  }

  onTimer(): void {
    this.again();
  }

  cancel(reason: Failure): void {
    if (this.phase === 'pausing') {
      if (this.timer !== null) this.service.options.wheel.stop(this.timer);
      this.phase = 'cancelled';
      this.failWith(reason);
      return;
    }
    if (this.phase !== 'passing') this.phase = 'cancelled';
    this.current.cancel(reason);
  }

  override head(head: ResponseHead): void {
    const { exchange } = this;
    const { rules } = this.service;
    let passed = head;
    // An answer that is there before its call came back can't be cancelled: it is passed on.
    if (
      this.current !== ENDED_CALL &&
      this.phase === 'attempting' &&
      rules.areWanted &&
      rules.conditions.isMetByAnswer(head)
    ) {
      const next = rules.afterAnswer(this, head);
      if (typeof next === 'object') {
        this.count(next);
        this.phase = 'discarding';
        this.received++;
        // Others are noted by themselves.
        if (exchange.ends === null) exchange.noteEnd(exchange.tried[exchange.tried.length - 1], head.status);
        this.wait = next.wait;
        // What the application still sends would outgrow what is kept of it.
        if (!(exchange.body?.isComplete ?? true)) this.breakOff();
        return;
      }
      this.refuse(next);
      if (rules.isFinal(next)) passed = marked(head);
    }
    this.phase = 'passing';
    this.reply.head(passed);
  }

  override end(trailers: Fields | null): void {
    if (this.phase === 'discarding') return this.pauseAndGo(this.wait);
    this.uncount();
    this.reply.end(trailers);
  }

  override fail(reason: Failure): void {
    if (this.phase === 'discarding') return this.pauseAndGo(this.wait);
    if (this.phase !== 'attempting') return this.failWith(reason);
    const { rules } = this.service;
    if (!isRetriable(reason.kind)) {
      // The last endpoint has left while this waited for a connection to it.
      if (reason.kind === 'no-endpoint' && rules.waits(this, reason) === true) return this.again();
      return this.failWith(reason);
    }
    if (!reason.reachedNobody) this.received++;
    const isWanted = rules.areWanted && rules.conditions.isMetByFailure(reason);
    const next = isWanted ? rules.afterFailure(this, reason) : null;
    if (next !== null && typeof next === 'object') {
      this.count(next);
      return this.pauseAndGo(next.wait);
    }
    const waits = rules.waits(this, reason);
    if (waits === true) return this.again();
    const last = this.started > 1 ? retryExhausted(reason, this.started) : reason;
    if (next === null) return this.failWith(last);
    const refusal = waits === 'budget' ? waits : next;
    this.refuse(refusal);
    this.failWith(notRetried(last, refusal, rules.isFinal(refusal)));
  }

  private failWith(reason: Failure): void {
    this.uncount();
    this.reply.fail(reason);
  }

  private count({ isFree }: NextAttempt): void {
    if (isFree || this.isCounted) return;
    this.isCounted = true;
    this.service.options.budget.running++;
  }

  private uncount(): void {
    if (!this.isCounted) return;
    this.isCounted = false;
    this.service.options.budget.running--;
  }

  private refuse(refusal: RetryRefusal): void {
    this.service.options.counters.retriesRefused[refusal]++;
    this.exchange.retryRefused = refusal;
  }

  private pauseAndGo(wait: number): void {
    if (wait < 1) return this.again();
    const { wheel } = this.service.options;
    this.phase = 'pausing';
    this.current = ENDED_CALL;
    this.timer ??= new Timer(this);
    wheel.start(this.timer, wait, wheel.now());
  }

  private again(): void {
    if (this.service.options.settings.oneLayer) markFurtherAttempt(this.exchange);
    this.attempt();
  }
}

function marked(head: ResponseHead): ResponseHead {
  if (getField(head.fields, RETRY_FIELD) !== undefined) return head;
  return { ...head, fields: [...head.fields, ...EXHAUSTED] };
}
