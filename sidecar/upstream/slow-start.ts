/** How far an endpoint that is new beside others has come. */
export class Start {
  /** Monotonic ms since when it is there; null: it has its full share. */
  since: number | null = null;
  /** The part of its share that it gets, above 0 and up to 1. */
  ramp = 1;
}

/** An endpoint, as far as it can be new. */
interface Startable {
  readonly weight: number;
  readonly isLastResort: boolean;
  /** Not null: it can't be connected to. */
  readonly lost: unknown;
  readonly ejection: { readonly isOut: boolean; readonly ramp: number };
  /** Attempts that were started there. */
  readonly attempts: number;
  readonly start: Start;
}

/** In how many steps a share grows. */
const STEPS = 10;

/**
 * Gives an endpoint that joins others, which serve already, a part of its share first, so that a process that has not warmed up is not
 * buried: from a tenth to all, in steps, linear in time (Envoy's `slow_start_config` with an aggression of 1).
 *
 * Unlike there, it never costs the others anything: they get no more than before it joined. Where one of these leaves, as in a rolling
 * restart, or is of no use for another reason, the new ones take over its share at once.
 */
export class SlowStart<M extends Startable> {
  private members: readonly M[] = [];
  /** Of each member, as it was told: one that is about to leave may have none any more. */
  private weights: readonly number[] = [];
  /** How long it takes, in ms; 0: everybody has its full share at once. */
  private rampUp: number;
  /** What those that are of use have to add up to: what they did when one joined last. */
  private enough = 0;

  constructor(rampUp: number) {
    this.rampUp = rampUp;
  }

  /** Whether something changes by itself as time passes. */
  get isPending(): boolean {
    return this.members.some(({ start }) => start.since !== null);
  }

  configure(rampUp: number): void {
    this.rampUp = rampUp;
  }

  /** @param members those whose weight is above 0 */
  setMembers(members: readonly M[], now: number): void {
    const { members: before, weights } = this;
    this.members = members;
    this.weights = members.map(({ weight }) => weight);
    // Where nobody has served yet, nobody is warmer than a new one.
    const serving = before.filter(member => isOfUse(member) && member.attempts > 0);
    const known = new Set(before);
    const joined = members.filter(member => member.attempts === 0 && !known.has(member));
    if (this.rampUp > 0 && serving.length > 0 && joined.length > 0) {
      this.enough = 0;
      for (const [i, member] of before.entries())
        if (isOfUse(member)) this.enough += weights[i] * rampOf(member);
      for (const { start } of joined) {
        start.since = now;
        start.ramp = 1 / STEPS;
      }
    }
    this.sweep(now);
  }

  /** Time has passed. @returns whether shares have changed */
  sweep(now: number): boolean {
    const starting = this.members.filter(({ start }) => start.since !== null);
    if (starting.length === 0) return false;
    let hasChanged = false;
    const atLeast = this.leastRamp();
    for (const { start } of starting) {
      const passed = now - (start.since ?? now);
      const timed = passed >= this.rampUp ? 1 : passed / this.rampUp;
      const ramp = Math.max(start.ramp, inSteps(Math.max(timed, atLeast)));
      hasChanged ||= ramp !== start.ramp;
      start.ramp = ramp;
      if (timed === 1) start.since = null;
    }
    return hasChanged;
  }

  /** The part of their share that new ones need to get so that the others get no more than before. */
  private leastRamp(): number {
    let others = 0;
    let whole = 0;
    for (const member of this.members) {
      if (!isOfUse(member)) continue;
      if (member.start.since === null) others += member.weight * rampOf(member);
      else whole += member.weight * member.ejection.ramp;
    }
    if (others >= this.enough || whole === 0) return 0;
    return Math.min(1, (this.enough - others) / whole);
  }
}

function inSteps(part: number): number {
  // A tenth is not quite one.
  return Math.max(1, Math.ceil(part * STEPS - 1e-9)) / STEPS;
}

function rampOf({ ejection, start }: Startable): number {
  return ejection.ramp * start.ramp;
}

function isOfUse({ isLastResort, lost, ejection }: Startable): boolean {
  return !isLastResort && lost === null && !ejection.isOut;
}
