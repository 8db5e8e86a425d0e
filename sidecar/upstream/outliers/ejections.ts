import type { OutlierSettings } from '../../../control-plane/contract/outliers-policy.ts';
import type { EjectionReason } from '../../exchange/ejection-reason.ts';
import type { Ejectable } from './ejection.ts';
import type { WaitingRequest } from './waiting-request.ts';

/** How long the request that an endpoint is tried with may stay without an answer before another one is. */
const PROBE_MS = 5_000;
/** Part of the share that an endpoint begins with when it is back, and in how many steps it grows. */
const RAMP_STEPS = 10;
/** Ejections last up to so much longer at random, so that not all callers come back at once. */
const JITTER = 0.1;

/** Told of what becomes of endpoints. */
export interface EjectionListener<M> {
  /** @param ms for how long at least */
  onEjected(member: M, reason: EjectionReason, ms: number): void;
  /** It was not left out: too many would have been. */
  onRefused(member: M): void;
  /** It was tried, and answered. */
  onReturned(member: M): void;
}

/**
 * Which endpoints of an upstream are left out: how long, how many, and how they come back.
 *
 * As in Envoy each ejection lasts longer than the one before, and as in gRPC's A50 one less stands to an endpoint's account for
 * each window that it is back. Unlike there, the state after the step counts: of so few endpoints as a compose file has, one
 * more than the part that may be ejected would soon be all. A further difference: an endpoint whose time is over is tried with one
 * request before it gets more.
 */
export class Ejections<M extends Ejectable> {
  /** Those whose weight is above 0. */
  members: readonly M[] = [];
  /** Null: nobody is left out. */
  private settings: OutlierSettings | null = null;
  private readonly random: () => number;
  private readonly listener: EjectionListener<M>;

  /** @param random from 0 to below 1 */
  constructor(random: () => number, listener: EjectionListener<M>) {
    this.random = random;
    this.listener = listener;
  }

  /** How many are left out. */
  get out(): number {
    let out = 0;
    for (const { ejection } of this.members) if (ejection.isOut) out++;
    return out;
  }

  /** Whether something changes by itself as time passes. */
  get isPending(): boolean {
    return this.members.some(({ ejection }) => ejection.isOut || ejection.ramp < 1);
  }

  /**
   * Those that requests go to: all that are not left out. Where these are none, or so few that they would be overrun, all.
   */
  get candidates(): readonly M[] {
    const { members } = this;
    if (this.out === 0) return members;
    const isOfUse = ({ ejection, isLastResort, lost }: M) =>
      !ejection.isOut && !isLastResort && lost === null;
    const useful = members.filter(isOfUse).length;
    if (this.settings === null || useful < members.length * this.settings.panicBelow) return members;
    const left = members.filter(({ ejection }) => !ejection.isOut);
    return left.some(({ lost }) => lost === null) ? left : members;
  }

  /** @param settings null: nobody is left out any more */
  configure(settings: OutlierSettings | null): void {
    this.settings = settings;
    this.keepWithinCap();
  }

  /** Others are there. Who left takes its ejection along; who is left out beyond what may be is let in. */
  setMembers(members: readonly M[]): void {
    this.members = members;
    this.keepWithinCap();
  }

  /** Leaves the endpoint out, unless that would be too many. One that is being tried is left out again. @returns whether it is */
  eject(member: M, reason: EjectionReason, now: number): boolean {
    const { settings } = this;
    const { ejection } = member;
    // Who has left is not used anyway.
    if (settings === null || !this.members.includes(member)) return false;
    if (ejection.phase === 'out') return true;
    if (!ejection.isOut && !this.mayEject(member)) {
      this.listener.onRefused(member);
      return false;
    }
    if (ejection.phase === 'in') {
      const forgiven = Math.floor((now - ejection.backSince) / settings.window);
      ejection.count = Math.max(0, ejection.count - forgiven);
      ejection.since = now;
    }
    ejection.count++;
    ejection.phase = 'out';
    ejection.reason = reason;
    ejection.probe = null;
    const ms = this.lengthOf(settings, reason, ejection.count);
    ejection.until = now + ms;
    this.listener.onEjected(member, reason, ms);
    return true;
  }

  /** It answers after all: where it was left out because it did not, it is tried at once. */
  shorten(member: M, now: number): void {
    const { ejection } = member;
    if (ejection.phase === 'out' && ejection.reason === 'unanswered')
      ejection.until = Math.min(ejection.until, now);
  }

  /** The request is what the endpoint is tried with. */
  probe(member: M, request: WaitingRequest, now: number): void {
    const { ejection } = member;
    ejection.phase = 'probing';
    ejection.probe = request;
    ejection.until = now + PROBE_MS;
  }

  /** What it was tried with ended without telling anything: it is tried again. */
  probeLost(member: M, now: number): void {
    const { ejection } = member;
    ejection.phase = 'due';
    ejection.probe = null;
    ejection.until = now;
  }

  /** It had not answered when that was not waited for any longer: it is tried again a little later. */
  probeOutrun(member: M, now: number): void {
    const { ejection } = member;
    ejection.phase = 'out';
    ejection.probe = null;
    ejection.until = now + (this.settings?.lostFor ?? 0);
  }

  /** It was tried, and answered: it is back, with a part of its share first. */
  letBack(member: M, now: number): void {
    const { ejection } = member;
    letIn(member);
    ejection.backSince = now;
    if (this.rampUp > 0) ejection.ramp = 1 / RAMP_STEPS;
    this.listener.onReturned(member);
  }

  /** Time has passed. @returns whether shares have changed */
  sweep(now: number): boolean {
    let hasChanged = false;
    for (const member of this.members) {
      const { ejection } = member;
      if (ejection.phase === 'out' && now >= ejection.until) {
        ejection.dueSince = now;
        this.probeLost(member, now);
      } else if (ejection.phase === 'probing' && now >= ejection.until) this.probeLost(member, now);
      else if (ejection.ramp < 1 && !ejection.isOut) {
        const ramp = this.rampOf(now - ejection.backSince);
        hasChanged ||= ramp !== ejection.ramp;
        ejection.ramp = ramp;
      }
    }
    return hasChanged;
  }

  /** From a tenth to all, in steps, linear in time (as Envoy's slow start with an aggression of 1). */
  private rampOf(backFor: number): number {
    const { rampUp } = this;
    if (backFor >= rampUp) return 1;
    return Math.max(1, Math.ceil((backFor / rampUp) * RAMP_STEPS)) / RAMP_STEPS;
  }

  private lengthOf(settings: OutlierSettings, reason: EjectionReason, count: number): number {
    const { ejectFor, maxEjectFor, lostFor } = settings;
    const isLost = reason === 'unanswered' || reason === 'consecutive-local-failures';
    const base = isLost ? Math.min(lostFor, ejectFor) : ejectFor;
    const most = isLost ? ejectFor : Math.max(ejectFor, maxEjectFor);
    return Math.min(base * count, most) * (1 + JITTER * this.random());
  }

  /** Looks at what would be left. */
  private mayEject(member: M): boolean {
    if (this.out + 1 > this.cap) return false;
    return this.members.some(
      other =>
        other !== member &&
        !other.ejection.isOut &&
        other.lost === null &&
        (!other.isLastResort || member.isLastResort),
    );
  }

  private get rampUp(): number {
    return this.settings?.rampUp ?? 0;
  }

  /** How many may be left out at once. */
  private get cap(): number {
    const { length } = this.members;
    // Ratios are decimal: 7 of 10 at 70% are 7.
    return Math.min(Math.floor(length * (this.settings?.maxEjected ?? 0) + 1e-9), length - 1);
  }

  /** Whoever would come back first comes back now. */
  private keepWithinCap(): void {
    const out = this.members.filter(({ ejection }) => ejection.isOut);
    out.sort((a, b) => a.ejection.until - b.ejection.until);
    for (const member of out.slice(0, Math.max(0, out.length - Math.max(0, this.cap)))) letIn(member);
  }
}

function letIn({ ejection }: Ejectable): void {
  ejection.phase = 'in';
  ejection.probe = null;
  ejection.ramp = 1;
}
