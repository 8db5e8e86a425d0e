import type { InstanceEntry } from './instance-entry.ts';

/** How leases end. All in milliseconds, save `massShare` and `massAtLeast`. */
export interface LeaseSettings {
  /** How long an expired instance is remembered before it is removed. */
  readonly removeAfter: number;
  /** How long an instance whose lease ran out together with many others is kept in use. */
  readonly holdFor: number;
  /** The time within which leases that run out are counted together. */
  readonly massWindow: number;
  /** More than this share of all instances is many. */
  readonly massShare: number;
  /** Fewer than this number are never many. */
  readonly massAtLeast: number;
  /** A gap of more than this between two moments is a stall: nobody could have renewed a lease meanwhile. */
  readonly stall: number;
  /** For how long after a stall streams from before it may break without meaning anything. */
  readonly settling: number;
}

export const LEASE_DEFAULTS: LeaseSettings = {
  removeAfter: 600_000,
  holdFor: 600_000,
  massWindow: 60_000,
  massShare: 0.15,
  massAtLeast: 3,
  stall: 2_000,
  settling: 6_000,
};

/** What is to be done now about leases that ran out. */
interface LeaseVerdicts {
  readonly hold: readonly InstanceEntry[];
  readonly expire: readonly InstanceEntry[];
  readonly remove: readonly InstanceEntry[];
}

/**
 * Judges all leases. When many ran out within a short time, it is more likely that the control plane can't hear than that
 * all of them died: they are held, those that had expired already among them, until they are heard of or `holdFor` is over.
 * Self-preservation as Eureka has it, but with a threshold that means something for five instances, and with an end.
 * @param now monotonic
 */
export function judgeLeases(
  entries: readonly InstanceEntry[],
  now: number,
  settings: LeaseSettings,
): LeaseVerdicts {
  const recent = entries.filter(({ deadline }) => deadline <= now && deadline > now - settings.massWindow);
  const isMass = recent.length >= settings.massAtLeast && recent.length > settings.massShare * entries.length;
  const hold = isMass ? recent.filter(entry => !entry.isHeld) : [];
  const held = new Set(hold);
  const expire: InstanceEntry[] = [];
  const remove: InstanceEntry[] = [];
  for (const entry of entries) {
    if (held.has(entry) || entry.deadline > now) continue;
    if (entry.stored.isExpired) {
      if (now - entry.expiredAt >= settings.removeAfter) remove.push(entry);
    } else if (!entry.isHeld || now - entry.deadline >= settings.holdFor) expire.push(entry);
  }
  return { hold, expire, remove };
}
