import type { Percentiles } from '../percentiles.ts';
import { table } from '../table.ts';

/** Everything that was measured. Times in ms, unless they are percentiles (µs). */
export interface ControlPlaneFigures {
  /** From the API's request until the last sidecar that uses the service has applied it. */
  readonly last: Percentiles | null;
  /** The same for each sidecar. */
  readonly each: Percentiles | null;
  /** The API's answers; those to a drain are given when every caller has acknowledged it. */
  readonly answers: Percentiles | null;
  readonly changes: number;
  /** Restart after a kill. */
  readonly servingAfter: number;
  readonly everybodyBackAfter: number;
  readonly peakBytes: number | null;
  readonly cpuShare: number | null;
  /** The share of the time in which other programs had the core that it wanted: latencies are theirs as well. */
  readonly waitShare: number | null;
  /** What went wrong, a line each. */
  readonly errors: readonly string[];
}

const APPLIED_MS = 100;
const SERVING_MS = 2000;
const MEGABYTES = 250;

export function renderControlPlane(figures: ControlPlaneFigures): string {
  const { last, each, answers, servingAfter, everybodyBackAfter, peakBytes, changes } = figures;
  const latencies = table(
    ['ms', 'p50', 'p99', 'max'],
    [
      ['applied by the last sidecar that uses the service', ...cells(last)],
      ['applied, each sidecar', ...cells(each)],
      ['answer of the API', ...cells(answers)],
    ],
  );
  const lines = [
    latencies,
    '',
    `${changes} changes; ${percent(figures.cpuShare)} of a core used, ${percent(figures.waitShare)} of the time waited for it`,
    `all sidecars back ${everybodyBackAfter.toFixed(0)} ms after the start of a killed control plane`,
    '',
    verdict(
      'p99 until the last sidecar has applied',
      last === null ? null : last.p99 / 1000,
      APPLIED_MS,
      'ms',
    ),
    verdict('serving after a kill', servingAfter, SERVING_MS, 'ms'),
    verdict('most resident memory', peakBytes === null ? null : peakBytes / 1e6, MEGABYTES, 'MB'),
    ...figures.errors.slice(0, 10).map(error => `error: ${error}`),
  ];
  return lines.join('\n');
}

function percent(share: number | null): string {
  return share === null ? '?' : `${(share * 100).toFixed(0)} %`;
}

function cells(percentiles: Percentiles | null): string[] {
  if (percentiles === null) return ['-', '-', '-'];
  return [percentiles.p50, percentiles.p99, percentiles.max].map(us => (us / 1000).toFixed(1));
}

function verdict(says: string, value: number | null, limit: number, unit: string): string {
  if (value === null) return `?   ${says}: not measured`;
  const mark = value <= limit ? 'ok ' : 'NO ';
  return `${mark} ${says}: ${value.toFixed(1)} ${unit}, at most ${limit}`;
}
