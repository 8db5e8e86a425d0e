import type { LoadResult } from './load-plan.ts';
import type { LoadSide } from './load-side.ts';
import type { TestedProxy } from './peers/tested-proxy.ts';
import type { Percentiles } from './percentiles.ts';
import type { Pinning } from './pinning.ts';
import { readResidentBytes } from './proc-stat.ts';
import { RunningProxy } from './running-proxy.ts';
import type { Scenario } from './scenarios.ts';

/** What one proxy did in one round of one scenario. Null where it does not apply or the machine does not tell. */
export interface Measurement {
  /** Microseconds of CPU time of the proxy's process per request, all threads. */
  readonly cpuUs: number | null;
  readonly userUs: number | null;
  /** The part of `cpuUs` on threads other than the first. */
  readonly otherThreadsUs: number | null;
  /** Microseconds per request in which the proxy's core was not idle, whoever used it. */
  readonly coreUs: number | null;
  /** How busy the proxy's core was, 0 to 1. */
  readonly coreBusy: number | null;
  /** What others took of the proxy's core, 0 to 1: how disturbed the figure is. */
  readonly disturbance: number | null;
  readonly requestsPerSecond: number | null;
  readonly latency: Percentiles | null;
  /** Largest resident size while measured; for a start: a moment after the first answer. */
  readonly residentBytes: number | null;
  readonly readyMs: number | null;
  readonly errors: Readonly<Record<string, number>>;
}

export interface Timing {
  readonly warmupMs: number;
  readonly measureMs: number;
}

/** What is left of a proxy that has done its work. */
export interface StoppedProxy {
  /** Where it kept its files; they stay until the bench ends. */
  readonly folder: string;
  readonly result: LoadResult;
}

const SETTLE_MS = 500;

/** Starts a proxy (null: none, straight to an endpoint), has it do the scenario once, and stops it. */
export async function measure(
  proxy: TestedProxy | null,
  scenario: Scenario,
  timing: Timing,
  load: LoadSide,
  pinning: Pinning | null,
  folder: string,
  onStopped: (stopped: StoppedProxy) => void = () => {},
): Promise<Measurement> {
  const running = proxy === null ? null : await RunningProxy.start(proxy, load.upstreams, pinning, folder);
  let result: LoadResult | null = null;
  try {
    if (scenario.kind === 'start') return await measureStart(running);
    result = await load.run({
      port: running?.port ?? load.upstreams[0],
      pid: running?.pid ?? null,
      core: pinning?.proxyCore ?? null,
      pace: scenario.pace,
      connections: scenario.connections,
      request: scenario.request,
      ...timing,
    });
    return toMeasurement(result, running);
  } finally {
    await running?.stop();
    if (running !== null && result !== null) onStopped({ folder: running.folder, result });
  }
}

function toMeasurement(result: LoadResult, running: RunningProxy | null): Measurement {
  const { usage, requests } = result;
  const cpuUs = usage === null ? null : usage.userUs + usage.systemUs;
  const perRequest = (us: number | null | undefined): number | null =>
    us === null || us === undefined || requests === 0 ? null : us / requests;
  const coreBusyUs = usage?.coreBusyUs ?? null;
  const wholeUs = result.seconds * 1e6;
  return {
    cpuUs: perRequest(cpuUs),
    userUs: perRequest(usage?.userUs),
    otherThreadsUs: perRequest(usage?.otherThreadsUs),
    coreUs: perRequest(coreBusyUs),
    coreBusy: coreBusyUs === null ? null : coreBusyUs / wholeUs,
    disturbance: coreBusyUs === null || cpuUs === null ? null : Math.max(0, coreBusyUs - cpuUs) / wholeUs,
    requestsPerSecond: requests / result.seconds,
    latency: result.latency,
    residentBytes: usage?.residentBytes ?? null,
    readyMs: running?.readyMs ?? null,
    errors: result.errors,
  };
}

async function measureStart(running: RunningProxy | null): Promise<Measurement> {
  await new Promise(resolve => setTimeout(resolve, SETTLE_MS));
  return {
    cpuUs: null,
    userUs: null,
    otherThreadsUs: null,
    coreUs: null,
    coreBusy: null,
    disturbance: null,
    requestsPerSecond: null,
    latency: null,
    residentBytes: running === null ? null : readResidentBytes(running.pid),
    readyMs: running?.readyMs ?? null,
    errors: {},
  };
}
