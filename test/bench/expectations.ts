import type { Measurement } from './measurement.ts';
import { median } from './percentiles.ts';
import { type Bound, type Verdict, verdict } from './verdict.ts';

/** What the project promises of Outrider in a scenario, as one number per round and a bound for its median. */
export interface Expectation {
  readonly scenario: string;
  readonly says: string;
  /** The peer that it is measured against; null for a promise of Outrider alone. */
  readonly peer: string | null;
  readonly bound: Bound;
  readonly unit: string;
  /** @param nodeMajor the major version of the sidecar's runtime */
  limit(nodeMajor: number): number;
  /** Null where the machine does not tell. */
  value(own: Measurement, peer: Measurement | null): number | null;
}

/** The first release line that the stricter bounds are for; older runtimes have the wider ones. */
const NEWEST_LTS = 24;
const byRuntime = (newest: number, older: number) => (nodeMajor: number) =>
  nodeMajor >= NEWEST_LTS ? newest : older;

export const EXPECTATIONS: readonly Expectation[] = [
  cpuRatio('small-get', 'haproxy', byRuntime(1.15, 1.2)),
  cpuRatio('small-get', 'envoy', byRuntime(0.55, 0.6)),
  cpuRatio('small-get', 'bare', () => 1.1),
  alone('small-get', 'resident memory under load', 90, 'MB', own => megabytes(own.residentBytes)),
  cpuRatio('post-4k', 'haproxy', byRuntime(1.15, 1.2)),
  cpuRatio('post-4k', 'envoy', byRuntime(0.55, 0.6)),
  cpuRatio('post-4k', 'bare', () => 1.1),
  cpuRatio('get-64k', 'haproxy', () => 1.1),
  {
    scenario: 'get-1m',
    says: "rate of a whole core, as a ratio to haproxy's",
    peer: 'haproxy',
    bound: 'at least',
    unit: '×',
    limit: () => 1.15,
    value: (own, peer) => ratio(wholeCoreRate(own), peer === null ? null : wholeCoreRate(peer)),
  },
  cpuRatio('connections-1000', 'haproxy', () => 1.35),
  cpuRatio('connections-1000', 'envoy', () => 0.42),
  cpuRatio('new-connection', 'haproxy', () => 1.4),
  {
    scenario: 'fixed-rate',
    says: "p50 beyond haproxy's",
    peer: 'haproxy',
    bound: 'at most',
    unit: 'µs',
    limit: () => 20,
    value: (own, peer) => difference(own.latency?.p50 ?? null, peer?.latency?.p50 ?? null),
  },
  alone('start', 'ready', 250, 'ms', own => own.readyMs),
  alone('start', 'resident memory idle', 55, 'MB', own => megabytes(own.residentBytes)),
];

/** Judges a scenario's expectations of one row by the rounds of that row and of the peers'. */
export function judge(
  scenario: string,
  own: readonly Measurement[],
  peers: ReadonlyMap<string, readonly Measurement[]>,
  nodeMajor: number,
): Verdict[] {
  return EXPECTATIONS.filter(expectation => expectation.scenario === scenario).map(expectation => {
    const peer = expectation.peer === null ? null : peers.get(expectation.peer);
    const values =
      peer === undefined ? [] : own.map((mine, round) => expectation.value(mine, peer?.[round] ?? null));
    const known = values.filter(value => value !== null);
    const value = known.length === 0 ? null : median(known);
    return verdict({ ...expectation, limit: expectation.limit(nodeMajor) }, value);
  });
}

/**
 * Requests per second that a whole core carries. For bulk transfers the kernel works on after the process has gone to
 * sleep, on nobody's account, so the core is counted and not the process.
 */
export function wholeCoreRate(measurement: Measurement): number | null {
  return measurement.coreUs === null ? measurement.requestsPerSecond : 1e6 / measurement.coreUs;
}

export function ratio(a: number | null, b: number | null): number | null {
  return a === null || b === null || b === 0 ? null : a / b;
}

export function difference(a: number | null, b: number | null): number | null {
  return a === null || b === null ? null : a - b;
}

export function megabytes(bytes: number | null): number | null {
  return bytes === null ? null : bytes / 1e6;
}

function cpuRatio(scenario: string, peer: string, limit: (nodeMajor: number) => number): Expectation {
  return {
    scenario,
    says: `CPU per request, as a ratio to ${peer}'s`,
    peer,
    bound: 'at most',
    unit: '×',
    limit,
    value: (own, other) => ratio(own.cpuUs, other?.cpuUs ?? null),
  };
}

function alone(
  scenario: string,
  says: string,
  limit: number,
  unit: string,
  value: (own: Measurement) => number | null,
): Expectation {
  return { scenario, says, peer: null, bound: 'at most', unit, limit: () => limit, value };
}
