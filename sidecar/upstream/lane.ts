import type { Attempt } from './attempt.ts';
import type { Endpoint } from './endpoint.ts';
import { IdleLimit } from './idle-limit.ts';
import type { PendingQueue } from './pending-queue.ts';
import type { UpstreamConnection } from './upstream-connection.ts';

/** The connections of a pool to one endpoint. All times are monotonic ms. */
export class Lane {
  /** Unused connections, the most recently used one last. */
  readonly idle: UpstreamConnection[] = [];
  /** Attempts for each of which a connection is being opened, oldest first. */
  readonly waiting: Attempt[] = [];
  /** Attempts for each of which a connection rests, oldest first. */
  readonly patient: PendingQueue;
  readonly idleLimit = new IdleLimit();
  /** Connections that are open or being opened. */
  open = 0;
  /** Connections that rest: their answer has ended a moment ago. */
  resting = 0;

  constructor(patient: PendingQueue) {
    this.patient = patient;
  }

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

  /** Whether a connection rests that nobody waits for. */
  get hasRestToSpare(): boolean {
    return this.resting > this.patient.length;
  }

  /** Whether somebody waits for a connection to the endpoint. */
  get isWaitedFor(): boolean {
    return this.waiting.length + this.patient.length > 0;
  }

  /** Takes an attempt that a connection may carry which has carried others; null where there is none. */
  takeWaiting(): Attempt | null {
    const { waiting, patient } = this;
    if (patient.length > 0) return patient.shift();
    if (waiting.length === 0) return null;
    const index = waiting.findIndex(attempt => !attempt.needsFresh);
    return index < 0 ? null : waiting.splice(index, 1)[0];
  }

  /** Takes out all who wait. */
  takeAllWaiting(): Attempt[] {
    return [...this.patient.empty(), ...this.waiting.splice(0)];
  }

  /** The attempt waits no more, if it did. */
  leave(attempt: Attempt): void {
    takeOut(this.waiting, attempt);
    this.patient.remove(attempt);
  }

  /** The connection is idle no more. @returns whether it was */
  removeIdle(connection: UpstreamConnection): boolean {
    return takeOut(this.idle, connection);
  }

  /** Closes what has been idle for too long. */
  closeIdle(now: number): void {
    const { idle } = this;
    const limit = this.idleLimit.at(now);
    while (idle.length > 0 && now - idle[0].idleSince >= limit) idle[0].abandon();
  }
}

/**
 * Whether an endpoint that is waited for has so much less than its share of the connections that one to another is closed for it:
 * else one that joins where the limit is reached would get nothing for as long as it is. What is closed so is never closed back.
 * @param open how many connections to an endpoint are open or being opened
 */
export function lacksConnections(wanted: Endpoint, other: Endpoint, open: (to: Endpoint) => number): boolean {
  const isOfUse = !wanted.isGone && wanted.lost === null && !wanted.ejection.isOut;
  if (!isOfUse || wanted === other) return false;
  return (open(wanted) + 1) * other.share <= (open(other) - 1) * wanted.share;
}

/** Takes an item out of a list. @returns whether it was in there */
function takeOut<T>(items: T[], item: T): boolean {
  const index = items.indexOf(item);
  if (index >= 0) items.splice(index, 1);
  return index >= 0;
}
