import { CONTROL_PLANE } from './actor.ts';
import type { InstanceEntry } from './instance-entry.ts';
import { judgeLeases, type LeaseSettings } from './lease-verdicts.ts';
import type { Moment } from './moment.ts';
import type { RegistryCore } from './registry-core.ts';
import { StreamTable } from './stream-table.ts';

/** Keeps the leases: renews them, ends them, and notices when the control plane itself was away. */
export class Leases {
  private readonly core: RegistryCore;
  private readonly settings: LeaseSettings;
  private readonly streams = new StreamTable();
  private last: Moment;
  /** When the last stall was noticed, in monotonic ms. */
  private stalledAt = Number.NEGATIVE_INFINITY;
  private massSince: Moment | null = null;

  constructor(core: RegistryCore, settings: LeaseSettings, now: Moment) {
    this.core = core;
    this.settings = settings;
    this.last = now;
  }

  /** Since when leases that ran out together are kept in use; null: none are. */
  get massExpirySince(): Moment | null {
    return this.massSince;
  }

  /**
   * To be called first by whatever happens at a moment. After a stall nobody is to blame for not having been heard, so
   * every lease begins anew. A wall clock that jumps tells of a machine that slept, whose monotonic clock stood still.
   */
  notice(now: Moment): void {
    const passed = now.monotonic - this.last.monotonic;
    const jumped = now.wall - this.last.wall - passed;
    this.last = now;
    if (passed <= this.settings.stall && Math.abs(jumped) <= this.settings.stall) return;
    this.stalledAt = now.monotonic;
    for (const entry of this.core.entries()) {
      if (entry.stored.isExpired) entry.expiredAt = now.monotonic;
      else {
        entry.deadline = now.monotonic + entry.stored.ttl;
        entry.isHeld = false;
      }
    }
    for (const listener of this.core.listeners) listener.onStall?.(now);
  }

  /** Gives the lease its full length again. Whoever was suspect or expired is back. */
  renew(entry: InstanceEntry, now: Moment): void {
    const { lease } = entry;
    const deadline = now.monotonic + entry.stored.ttl;
    entry.deadline = deadline;
    entry.isHeld = false;
    if (lease !== 'kept' || entry.isUnconfirmed) {
      const detail =
        lease === 'kept'
          ? 'It was heard of for the first time since the control plane was started.'
          : `It was heard of again; it was ${lease}.`;
      const note = {
        by: CONTROL_PLANE,
        now,
        kind: 'instance-returned',
        detail,
      };
      const patch = lease === 'expired' ? { isExpired: false } : {};
      this.core.updateInstance(
        entry,
        patch,
        { isSuspect: false, isUnconfirmed: false },
        note,
        lease === 'expired' ? 'retry' : 'forget',
      );
    }
  }

  streamOpened(sidecar: string, now: Moment): void {
    this.streams.open(sidecar, now.monotonic);
    this.renewAll(sidecar, now);
  }

  /** Its instances become suspect at once, unless the stream broke because the control plane was away. */
  streamBroken(sidecar: string, now: Moment): void {
    const openedAt = this.streams.close(sidecar);
    if (openedAt === null) return;
    const isSettling = now.monotonic - this.stalledAt < this.settings.settling;
    if (isSettling && openedAt < this.stalledAt) return;
    for (const entry of this.core.ofSidecar(sidecar)) {
      if (entry.lease !== 'kept') continue;
      const detail = 'The stream of its sidecar broke.';
      const note = { by: CONTROL_PLANE, now, kind: 'instance-suspect', detail };
      this.core.updateInstance(entry, {}, { isSuspect: true }, note, 'forget');
    }
  }

  renewAll(sidecar: string, now: Moment): number {
    const entries = this.core.ofSidecar(sidecar);
    for (const entry of entries) this.renew(entry, now);
    return entries.length;
  }

  /** Ends what has run out. */
  tick(now: Moment): void {
    const { hold, expire, remove } = judgeLeases(this.core.entries(), now.monotonic, this.settings);
    if (hold.length > 0) this.hold(hold, now);
    for (const entry of expire) {
      const detail = `Its lease of ${entry.stored.ttl} ms ran out.`;
      const note = { by: CONTROL_PLANE, now, kind: 'instance-expired', detail };
      const flags = { isHeld: false, expiredAt: now.monotonic };
      this.core.updateInstance(entry, { isExpired: true }, flags, note, 'retry');
    }
    for (const entry of remove) {
      const detail = `It was expired for ${this.settings.removeAfter / 1000} s.`;
      this.core.removeInstance(entry, { by: CONTROL_PLANE, now, kind: 'instance-removed', detail }, 'retry');
    }
    this.endMassExpiry(now);
  }

  private hold(entries: readonly InstanceEntry[], now: Moment): void {
    if (this.massSince === null) {
      this.massSince = now;
      const total = this.core.entries().length;
      const detail = `The leases of ${entries.length} of ${total} instances ran out together: they are kept in use.`;
      this.core.addEvent({ by: CONTROL_PLANE, now, kind: 'mass-expiry', detail }, '', null);
    }
    for (const entry of entries) {
      const wasExpired = entry.stored.isExpired;
      const detail = 'Its lease ran out together with many others: it is kept in use.';
      const note = { by: CONTROL_PLANE, now, kind: 'instance-held', detail };
      const patch = wasExpired ? { isExpired: false } : {};
      this.core.updateInstance(entry, patch, { isHeld: true }, note, wasExpired ? 'retry' : 'forget');
    }
  }

  /** Looks for the last one that was held, which is too much to do whenever one returns. */
  private endMassExpiry(now: Moment): void {
    if (this.massSince === null || this.core.entries().some(({ isHeld }) => isHeld)) return;
    this.massSince = null;
    const detail = 'No instance is kept in use any more whose lease ran out together with many others.';
    this.core.addEvent({ by: CONTROL_PLANE, now, kind: 'mass-expiry-over', detail }, '', null);
  }
}
