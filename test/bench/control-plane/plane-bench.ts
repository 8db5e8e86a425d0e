import { setTimeout as sleep } from 'node:timers/promises';
import { type ChangePercentiles, ChangeTimes } from './change-times.ts';
import { type MeshPlan, type PlannedChange, UNDRAIN_BEHIND } from './mesh-plan.ts';
import type { ControlPlaneBenchOptions } from './options.ts';
import type { TestedPlane } from './tested-plane.ts';

/** How long the last changes may take to arrive. */
const ARRIVAL_MS = 10_000;
const COMEBACK_MS = 30_000;
/** Between the last registration and the first change. */
const SETTLE_MS = 1000;

/** Everything that was measured of one plane. Times in ms, unless they are percentiles (µs). */
export interface PlaneFigures extends ChangePercentiles {
  readonly changes: number;
  /** After a kill, from the start of the process. */
  readonly servingAfter: number;
  readonly everybodyBackAfter: number;
  readonly peakBytes: number | null;
  /** The share of a core that it used while changes were made. */
  readonly cpuShare: number | null;
  /** The share of the time in which other programs had the core that it wanted: latencies are theirs as well. */
  readonly waitShare: number | null;
  /** What went wrong, a line each. */
  readonly errors: readonly string[];
}

/** Takes one control plane through the bench: register, change, kill, come back. */
export async function measurePlane(
  plane: TestedPlane,
  plan: MeshPlan,
  options: ControlPlaneBenchOptions,
): Promise<PlaneFigures> {
  try {
    return await new PlaneBench(plane, plan, options).run();
  } finally {
    plane.disconnect();
    await plane.server.kill();
  }
}

class PlaneBench {
  private readonly options: ControlPlaneBenchOptions;
  private readonly plane: TestedPlane;
  private readonly plan: MeshPlan;
  private readonly times = new ChangeTimes();
  private readonly watchersOf = new Map<string, number>();
  private readonly errors: string[] = [];
  private isChanging = false;

  constructor(plane: TestedPlane, plan: MeshPlan, options: ControlPlaneBenchOptions) {
    this.options = options;
    this.plane = plane;
    this.plan = plan;
    for (let i = 0; i < plan.watchers; i++) {
      for (const service of plan.servicesOf(i)) {
        this.watchersOf.set(service, (this.watchersOf.get(service) ?? 0) + 1);
      }
    }
  }

  async run(): Promise<PlaneFigures> {
    const { plane, options, errors } = this;
    const { server } = plane;
    await server.start(() => plane.isServing());
    await plane.connect((service, revision) => {
      if (this.isChanging) this.times.applied(service, revision, performance.now());
    });
    await plane.register();
    await sleep(SETTLE_MS);
    const made = await this.makeChanges();
    if (!(await waitFor(() => this.times.open === 0, ARRIVAL_MS))) {
      errors.push(`${this.times.open} changes did not reach every sidecar`);
    }
    this.isChanging = false;
    const peakBytes = server.peakBytes();
    if (plane.lost > 0) errors.push(`${plane.lost} streams broke`);

    await server.kill();
    await waitFor(() => plane.synchronized === 0, ARRIVAL_MS);
    const startedAt = performance.now();
    const servingAfter = await server.start(() => plane.isServing());
    if (!(await waitFor(() => plane.synchronized === options.watchers, COMEBACK_MS))) {
      errors.push(`${options.watchers - plane.synchronized} sidecars did not come back`);
    }
    const everybodyBackAfter = performance.now() - startedAt;
    const instances = await plane.countInstances();
    if (instances !== options.instances) errors.push(`${instances} instances after the restart`);
    return { ...this.times.percentiles(), ...made, servingAfter, everybodyBackAfter, peakBytes, errors };
  }

  /** At fixed times, whether the answers come or not. */
  private async makeChanges(): Promise<Pick<PlaneFigures, 'changes' | 'cpuShare' | 'waitShare'>> {
    const { changes: rate, warmupMs, measureMs } = this.options;
    const { server } = this.plane;
    const warmups = Math.ceil((warmupMs / 1000) * rate);
    const total = warmups + Math.ceil((measureMs / 1000) * rate);
    const underWay: Promise<void>[] = [];
    this.isChanging = true;
    const startedAt = performance.now();
    let before: number | null = null;
    let waitedBefore: number | null = null;
    for (let i = 0; i < total; i++) {
      await sleep(Math.max(0, startedAt + (i * 1000) / rate - performance.now()));
      if (i === warmups) {
        before = server.cpuUs();
        waitedBefore = server.waitedUs();
      }
      underWay[i] = this.change(this.plan.change(i), i, i >= warmups, underWay[i - UNDRAIN_BEHIND]);
    }
    const after = server.cpuUs();
    const waitedAfter = server.waitedUs();
    await Promise.all(underWay);
    const share = (from: number | null, to: number | null) =>
      from === null || to === null ? null : (to - from) / (measureMs * 1000);
    return {
      changes: total - warmups,
      cpuShare: share(before, after),
      waitShare: share(waitedBefore, waitedAfter),
    };
  }

  /** @param earlier for an `undrain`, its `drain` */
  private async change(
    planned: PlannedChange,
    number: number,
    isCounted: boolean,
    earlier?: Promise<void>,
  ): Promise<void> {
    const { kind, service } = planned;
    if (kind === 'undrain') await earlier;
    const startedAt = performance.now();
    try {
      const revision = await this.plane.change(planned, number);
      const now = performance.now();
      const watchers = this.watchersOf.get(service) ?? 0;
      const isAcknowledged = kind === 'drain' || kind === 'undrain';
      this.times.answered({ service, revision, startedAt, now, watchers, isCounted, isAcknowledged });
    } catch (error) {
      this.errors.push((error as Error).message);
    }
  }
}

/** @returns whether it was so within `ms` */
async function waitFor(condition: () => boolean, ms: number): Promise<boolean> {
  for (const deadline = performance.now() + ms; performance.now() < deadline; await sleep(5)) {
    if (condition()) return true;
  }
  return condition();
}
