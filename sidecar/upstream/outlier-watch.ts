import type { OutlierSettings } from '../../control-plane/contract/outliers-policy.ts';
import type { EjectionReason } from '../exchange/ejection-reason.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Failure } from '../exchange/failure.ts';
import { Timer, type TimerOwner, type TimerWheel } from '../io/timer-wheel.ts';
import { Attempt, type AttemptWatch } from './attempt.ts';
import type { Endpoint } from './endpoint.ts';
import type { EjectionListener } from './outliers/ejections.ts';
import { OutlierDetection, type OutlierListener } from './outliers/outlier-detection.ts';
import { SlowStart } from './slow-start.ts';

/** What others make of the endpoints that are left out. */
export interface OutlierEvents extends EjectionListener<Endpoint> {
  /** Which endpoints are of use, or their shares, have changed. */
  onShares(): void;
  /** A request was sent to another endpoint, because this one does not answer. */
  onMoved(endpoint: Endpoint): void;
}

interface WatchOptions {
  /** Null: none is left out. */
  readonly settings: OutlierSettings | null;
  /** Whether an idempotent request that waits for an endpoint that does not answer may be sent to another. */
  readonly moves: (exchange: Exchange) => boolean;
  readonly wheel: TimerWheel;
  /** From 0 to below 1. */
  readonly random: () => number;
}

/** How often it is looked whether endpoints answer, in ms: at each turn of the wheel. */
const SWEEP_MS = 10;

/** Binds outlier detection to the attempts of an upstream, and to time. */
export class OutlierWatch implements AttemptWatch, OutlierListener<Endpoint>, TimerOwner {
  readonly detection: OutlierDetection<Endpoint>;
  events: OutlierEvents = NOBODY;
  private moves: WatchOptions['moves'];
  private readonly wheel: TimerWheel;
  private readonly timer = new Timer(this);
  private readonly slowStart: SlowStart<Endpoint>;

  constructor({ settings, moves, wheel, random }: WatchOptions) {
    this.wheel = wheel;
    this.moves = moves;
    this.detection = new OutlierDetection(settings, random, this, wheel.now());
    this.slowStart = new SlowStart(settings?.rampUp ?? 0);
  }

  configure(settings: OutlierSettings | null, moves: WatchOptions['moves']): void {
    this.moves = moves;
    this.detection.configure(settings);
    this.slowStart.configure(settings?.rampUp ?? 0);
    this.events.onShares();
  }

  /** @param members the endpoints that take requests at all */
  setMembers(members: readonly Endpoint[]): void {
    this.detection.setMembers(members);
    this.slowStart.setMembers(members, this.wheel.now());
    this.events.onShares();
    this.begin();
  }

  /** Where the exchange should go first, to find out about the endpoint; null: wherever the balancer says. */
  wants(exchange: Exchange): Endpoint | null {
    if (this.detection.wanted === null) return null;
    const isMovable = exchange.isIdempotent && exchange.isReplayable && this.moves(exchange);
    return this.detection.take(isMovable, this.wheel.coarseNow);
  }

  /** In how many ms an endpoint that is left out is tried; 0 and less: with one of the next requests. */
  triedIn({ ejection }: Endpoint): number {
    return ejection.phase === 'out' ? ejection.until - this.wheel.now() : 0;
  }

  stop(): void {
    this.wheel.stop(this.timer);
  }

  // What attempts tell.

  onSent(attempt: Attempt): void {
    if (!this.detection.compares) return;
    // The coarse time stands still while nothing is on the wheel.
    const now = this.timer.isRunning ? this.wheel.coarseNow : this.wheel.now();
    this.detection.onSent(attempt.endpoint, attempt, now);
    this.begin();
  }

  onHead(attempt: Attempt, status: number): void {
    if (this.detection.compares) this.detection.onHead(attempt.endpoint, attempt, status, this.wheel.now());
  }

  onWhole(attempt: Attempt): void {
    this.detection.onWhole(attempt.endpoint, attempt, this.wheel.coarseNow);
  }

  onFailure(attempt: Attempt, { kind }: Failure): void {
    const what = kind === 'bad-response' ? 'gateway' : 'local';
    this.detection.onFailure(attempt.endpoint, attempt, what, this.wheel.coarseNow);
    this.begin();
  }

  onGivenUp(attempt: Attempt): void {
    this.detection.onGivenUp(attempt.endpoint, attempt, this.wheel.coarseNow);
  }

  onMoved(attempt: Attempt): void {
    this.detection.onMoved(attempt.endpoint, attempt, this.wheel.coarseNow);
    this.events.onMoved(attempt.endpoint);
  }

  onOutrun(attempt: Attempt): void {
    this.detection.onOutrun(attempt.endpoint, attempt, this.wheel.coarseNow);
  }

  // What the detection tells.

  onEjected(endpoint: Endpoint, reason: EjectionReason, ms: number): void {
    this.events.onEjected(endpoint, reason, ms);
    this.events.onShares();
    this.begin();
  }

  onRefused(endpoint: Endpoint): void {
    this.events.onRefused(endpoint);
  }

  onReturned(endpoint: Endpoint): void {
    this.events.onReturned(endpoint);
    this.events.onShares();
  }

  onSilent({ health }: Endpoint): void {
    for (const waiting of health.waiting.toArray()) {
      if (waiting instanceof Attempt && this.moves(waiting.exchange)) waiting.moveAway();
    }
  }

  onTimer(): void {
    const now = this.wheel.coarseNow;
    const haveChanged = this.detection.sweep(now);
    if (this.slowStart.sweep(now) || haveChanged) this.events.onShares();
    this.begin();
  }

  private begin(): void {
    if (this.timer.isRunning || !(this.detection.isBusy || this.slowStart.isPending)) return;
    this.wheel.start(this.timer, SWEEP_MS, this.wheel.now());
  }
}

const NOBODY: OutlierEvents = {
  onShares() {},
  onEjected() {},
  onRefused() {},
  onReturned() {},
  onMoved() {},
};
