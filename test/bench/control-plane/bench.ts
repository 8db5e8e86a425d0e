import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { FreePorts } from '../../../examples/shop/runner/free-ports.ts';
import { builtBundle } from '../bundle.ts';
import { describeMachine } from '../machine.ts';
import { planPinning } from '../pinning.ts';
import { readProcessCpu } from '../proc-stat.ts';
import { renderMachine } from '../report.ts';
import { ChangeTimes } from './change-times.ts';
import { MeshPlan, type PlannedChange, UNDRAIN_BEHIND } from './mesh-plan.ts';
import { CONTROL_PLANE_USAGE, type ControlPlaneBenchOptions, parseControlPlaneOptions } from './options.ts';
import { type ControlPlaneFigures, renderControlPlane } from './report.ts';
import { TestedControlPlane } from './tested-control-plane.ts';
import { WatcherFleet } from './watcher-fleet.ts';

/** Registrations that are under way at the same time. */
const REGISTERING = 32;
/** How long the last changes may take to arrive. */
const ARRIVAL_MS = 10_000;
const COMEBACK_MS = 30_000;
/** Between the last registration and the first change. */
const SETTLE_MS = 1000;

/** `npm run bench -- control-plane`: how fast a change reaches those whom it concerns. @returns the exit code */
export async function benchControlPlane(args: readonly string[], folder: string): Promise<number> {
  let options: ControlPlaneBenchOptions | 'help';
  try {
    options = parseControlPlaneOptions(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${CONTROL_PLANE_USAGE}`);
    return 2;
  }
  if (options === 'help') {
    console.log(CONTROL_PLANE_USAGE);
    return 0;
  }
  const plan = planPinning();
  const { services, instances, watchers, uses, changes } = options;
  const size = `${services} services, ${instances} instances, ${watchers} sidecars that use ${uses} each, ${changes} changes/s`;
  const command = ['npm run bench -- control-plane', ...args].join(' ');
  console.log(renderMachine(describeMachine(plan), { mesh: size }, command));
  const program = [options.node, options.bundle ?? builtBundle()];
  const port = await new FreePorts().take();
  const pinning = 'reason' in plan ? null : plan;
  const tested = new TestedControlPlane(program, port, join(folder, 'control-plane'), pinning);
  try {
    const figures = await new ControlPlaneBench(options, tested).run();
    console.log(`\n${renderControlPlane(figures)}`);
    return figures.errors.length > 0 ? 1 : 0;
  } finally {
    await tested.kill();
  }
}

class ControlPlaneBench {
  private readonly options: ControlPlaneBenchOptions;
  private readonly tested: TestedControlPlane;
  private readonly plan: MeshPlan;
  private readonly fleet: WatcherFleet;
  private readonly times = new ChangeTimes();
  private readonly watchersOf = new Map<string, number>();
  private readonly errors: string[] = [];
  private isChanging = false;

  constructor(options: ControlPlaneBenchOptions, tested: TestedControlPlane) {
    this.options = options;
    this.tested = tested;
    this.plan = new MeshPlan(options);
    const onApplied = (service: string, revision: number) => {
      if (this.isChanging) this.times.applied(service, revision, performance.now());
    };
    this.fleet = new WatcherFleet(this.plan, options.watchers, tested.url, idOf, onApplied);
    for (let i = 0; i < options.watchers; i++) {
      for (const service of this.plan.servicesOf(i)) {
        this.watchersOf.set(service, (this.watchersOf.get(service) ?? 0) + 1);
      }
    }
  }

  async run(): Promise<ControlPlaneFigures> {
    const { tested, fleet, options } = this;
    await tested.start();
    await fleet.start();
    await this.register();
    await sleep(SETTLE_MS);
    const made = await this.makeChanges();
    if (!(await waitFor(() => this.times.open === 0, ARRIVAL_MS))) {
      this.errors.push(`${this.times.open} changes did not reach every sidecar`);
    }
    this.isChanging = false;
    const peakBytes = tested.peakBytes();
    if (fleet.lost > 0) this.errors.push(`${fleet.lost} streams broke`);

    await tested.kill();
    const killedAt = performance.now();
    const servingAfter = await tested.start();
    if (!(await waitFor(() => fleet.synchronized === options.watchers, COMEBACK_MS))) {
      this.errors.push(`${options.watchers - fleet.synchronized} sidecars did not come back`);
    }
    const everybodyBackAfter = performance.now() - killedAt;
    await this.checkHealth();
    fleet.stop();
    return {
      ...this.times.percentiles(),
      ...made,
      servingAfter,
      everybodyBackAfter,
      peakBytes,
      errors: this.errors,
    };
  }

  /** All services and instances, the latter in the name of the sidecars that keep their leases from then on. */
  private async register(): Promise<void> {
    const { services, instances } = this.plan;
    await allOf(services, service => this.call('PUT', `/v1/services/${service}`, { policy: {} }, null));
    await allOf(instances, ({ service, id, address, port, watcher }) =>
      this.call('PUT', `/v1/services/${service}/instances/${id}`, { address, port }, idOf(watcher)),
    );
  }

  /** At fixed times, whether the answers come or not. */
  private async makeChanges(): Promise<{
    changes: number;
    cpuShare: number | null;
    waitShare: number | null;
  }> {
    const { changes: rate, warmupMs, measureMs } = this.options;
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
        before = this.cpuUs();
        waitedBefore = this.tested.waitedUs();
      }
      underWay[i] = this.change(this.plan.change(i), i >= warmups, underWay[i - UNDRAIN_BEHIND]);
    }
    const after = this.cpuUs();
    const waitedAfter = this.tested.waitedUs();
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
  private async change(planned: PlannedChange, isCounted: boolean, earlier?: Promise<void>): Promise<void> {
    const { kind, service, method, path, body, watcher } = planned;
    if (kind === 'undrain') await earlier;
    const startedAt = performance.now();
    const text = await this.call(method, path, body, watcher === null ? null : idOf(watcher));
    const now = performance.now();
    if (text === null) return;
    const { revision, acknowledged } = JSON.parse(text) as { revision: number; acknowledged?: boolean };
    if (acknowledged === false) this.errors.push(`${path}: not acknowledged`);
    const watchers = this.watchersOf.get(service) ?? 0;
    this.times.answered(service, revision, startedAt, now, watchers, isCounted);
  }

  private async checkHealth(): Promise<void> {
    const health = JSON.parse((await this.call('GET', '/healthz', null, null)) ?? '{}') as Record<
      string,
      unknown
    >;
    const { instances, suspect, expired } = health;
    const expected = [this.options.instances, 0, 0];
    if (String([instances, suspect, expired]) !== String(expected)) {
      this.errors.push(`after the restart: ${instances} instances, ${suspect} suspect, ${expired} expired`);
    }
  }

  /** @returns the answer; null where it is a refusal, which is noted */
  private async call(
    method: string,
    path: string,
    body: object | null,
    sidecar: string | null,
  ): Promise<string | null> {
    try {
      const { status, text } = await this.tested.call(method, path, body, sidecar);
      if (status < 300) return text;
      this.errors.push(`${method} ${path}: ${status} ${text}`);
    } catch (error) {
      this.errors.push(`${method} ${path}: ${(error as Error).message}`);
    }
    return null;
  }

  private cpuUs(): number | null {
    const cpu = readProcessCpu(this.tested.pid);
    return cpu === null ? null : cpu.userUs + cpu.systemUs;
  }
}

function idOf(watcher: number): string {
  return `sidecar-${watcher}`;
}

/** Does it for each, some at a time. */
async function allOf<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> {
  const rest = items.values();
  const work = async () => {
    for (const item of rest) await act(item);
  };
  await Promise.all(Array.from({ length: REGISTERING }, work));
}

/** @returns whether it was so within `ms` */
async function waitFor(condition: () => boolean, ms: number): Promise<boolean> {
  for (const deadline = performance.now() + ms; performance.now() < deadline; await sleep(5)) {
    if (condition()) return true;
  }
  return condition();
}
