import type { Attempt } from './attempt.ts';
import { IdleLimit } from './idle-limit.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

/** The connections of a pool to one endpoint. All times are monotonic ms. */
export class Lane {
  /** Unused connections, the most recently used one last. */
  readonly idle: UpstreamConnection[] = [];
  /** Attempts for each of which a connection is being opened, oldest first. */
  readonly waiting: Attempt[] = [];
  readonly idleLimit = new IdleLimit();
  /** Connections that are open or being opened. */
  open = 0;

  get isUnused(): boolean {
    return this.open === 0 && this.waiting.length === 0;
  }

  /** Takes the connection that was used last, where it is not about to be closed. */
  takeIdle(isIdempotent: boolean, now: number): UpstreamConnection | null {
    const { idle } = this;
    if (idle.length === 0) return null;
    const connection = idle[idle.length - 1];
    const age = now - connection.idleSince;
    const limit = this.idleLimit.at(now);
    if (age >= limit) return null;
    // A request that can't be sent twice stays away from connections that may be about to be closed.
    if (!isIdempotent && age > limit / 2) return null;
    idle.pop();
    return connection;
  }

  /** Takes the oldest attempt that a connection may carry which has carried others; null where there is none. */
  takeWaiting(): Attempt | null {
    const { waiting } = this;
    if (waiting.length === 0) return null;
    const index = waiting.findIndex(attempt => !attempt.needsFresh);
    return index < 0 ? null : waiting.splice(index, 1)[0];
  }

  /** Closes what has been idle for too long. */
  closeIdle(now: number): void {
    const { idle } = this;
    const limit = this.idleLimit.at(now);
    while (idle.length > 0 && now - idle[0].idleSince >= limit) idle[0].abandon();
  }
}
