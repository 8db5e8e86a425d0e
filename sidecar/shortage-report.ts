import type { Log } from '../process/log.ts';
import { OnceInAWhile } from '../process/once-in-a-while.ts';
import { descriptors, MORE_DESCRIPTORS, type Shortage } from './io/descriptors.ts';
import type { DownstreamCounters } from './telemetry/counters.ts';

interface ShortageContext {
  readonly log: Log;
  /** Monotonic ms. */
  readonly now: () => number;
  readonly counters: Pick<DownstreamCounters, 'connectionsRefused'>;
  /** How many connections applications may have open (`downstream.connections`). */
  readonly connections: () => number;
}

/** Says in the log what the sidecar itself runs short of: time, descriptors, connections that it may accept. */
export class ShortageReport {
  private readonly context: ShortageContext;
  private readonly refusals: OnceInAWhile;
  private readonly shortages: OnceInAWhile;

  constructor(context: ShortageContext) {
    this.context = context;
    this.refusals = new OnceInAWhile(context.now);
    this.shortages = new OnceInAWhile(context.now);
  }

  onStall(ms: number): void {
    const text = `the sidecar stood still for ${Math.round(ms)} ms: stopped, frozen or starved; no timeout counts that time`;
    this.context.log.warn({ ms: Math.round(ms) }, text);
  }

  onRefusedConnection(): void {
    const { log, counters, connections } = this.context;
    if (!this.refusals.isDue()) return;
    log.warn(
      { refused: counters.connectionsRefused },
      `applications have ${connections()} connections open (downstream.connections): further ones are closed at once`,
    );
  }

  onShortage(what: Shortage): void {
    const { log, counters } = this.context;
    if (what === 'accept') counters.connectionsRefused++;
    if (!this.shortages.isDue()) return;
    log.error(
      { limit: descriptors.limit, refused: counters.connectionsRefused },
      `file descriptors run out, the limit is ${descriptors.limit ?? 'not known'}: until some are free, connections of applications are closed at once or can't be carried to endpoints. ${MORE_DESCRIPTORS}`,
    );
  }
}
