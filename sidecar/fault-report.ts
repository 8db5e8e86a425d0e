import { formatDuration } from '../control-plane/contract/duration.ts';
import type { Log } from '../process/log.ts';
import { Timer, type TimerOwner, type TimerWheel } from './io/timer-wheel.ts';
import type { FaultInjector } from './policy/fault.ts';
import type { PolicyMemory } from './policy/policy-memory.ts';

/** Says in the log when faults are made on purpose, when that ends, and when they are refused. */
export class FaultReport implements TimerOwner {
  private readonly upstream: string;
  private readonly memory: Pick<PolicyMemory, 'fault' | 'isFaultRefused'>;
  private readonly wheel: TimerWheel;
  private readonly log: Log;
  private readonly timer = new Timer(this);
  private told: FaultInjector | null = null;
  private toldEnd = 0;
  private wasRefused = false;

  constructor(upstream: string, memory: FaultReport['memory'], wheel: TimerWheel, log: Log) {
    this.upstream = upstream;
    this.memory = memory;
    this.wheel = wheel;
    this.log = log;
  }

  /** A policy is in force. */
  update(): void {
    const { memory, upstream, log, told, wheel } = this;
    const { fault, isFaultRefused } = memory;
    if (isFaultRefused && !this.wasRefused) {
      log.warn(
        { upstream },
        `the policy of ${upstream} asks for faults, which this sidecar refuses (faults: refuse): the rest of it is in force`,
      );
    }
    this.wasRefused = isFaultRefused;
    if (fault === told && (fault === null || fault.endsAt === this.toldEnd)) return;
    const now = wheel.now();
    if (fault === null) {
      wheel.stop(this.timer);
      if (told !== null && told.left(now) > 0) this.tellEnd('they are not in the policy any more');
    } else {
      log.warn(
        { upstream },
        `requests for ${upstream} are disturbed on purpose (fault) for ${formatDuration(Math.ceil(fault.left(now)))}`,
      );
      wheel.start(this.timer, fault.left(now), now);
    }
    this.told = fault;
    this.toldEnd = fault?.endsAt ?? 0;
  }

  onTimer(): void {
    this.tellEnd('their time is over (fault.ttl)');
  }

  stop(): void {
    this.wheel.stop(this.timer);
  }

  private tellEnd(why: string): void {
    const { upstream, log } = this;
    log.info({ upstream }, `requests for ${upstream} are disturbed no more: ${why}`);
  }
}
