import { REQUESTS } from './bench-requests.ts';
import { difference, judge, megabytes, ratio, wholeCoreRate } from './expectations.ts';
import type { Machine } from './machine.ts';
import type { Measurement } from './measurement.ts';
import { median } from './percentiles.ts';
import type { Scenario } from './scenarios.ts';
import { table } from './table.ts';
import { renderVerdict, type Verdict } from './verdict.ts';

/** Everything that was measured in one scenario: per row, a measurement per round. */
export interface ScenarioResult {
  readonly scenario: Scenario;
  readonly rows: ReadonlyMap<string, readonly Measurement[]>;
}

type Figure = (measurement: Measurement) => number | null;

interface Column {
  readonly title: string;
  readonly digits: number;
  readonly figure: Figure;
  /** Whether the smallest and the largest round are shown. */
  readonly spread?: boolean;
}

const LOAD_COLUMNS: readonly Column[] = [
  { title: 'µs CPU/req', digits: 1, figure: m => m.cpuUs, spread: true },
  { title: 'user', digits: 1, figure: m => m.userUs },
  { title: 'core µs', digits: 1, figure: m => m.coreUs },
  { title: 'busy %', digits: 0, figure: m => percent(m.coreBusy) },
  { title: 'others %', digits: 0, figure: m => percent(m.disturbance) },
  { title: 'req/s', digits: 0, figure: m => m.requestsPerSecond },
  { title: 'p50 µs', digits: 0, figure: m => m.latency?.p50 ?? null },
  { title: 'p99 µs', digits: 0, figure: m => m.latency?.p99 ?? null },
  { title: 'MB resident', digits: 1, figure: m => megabytes(m.residentBytes) },
];

const START_COLUMNS: readonly Column[] = [
  { title: 'ready ms', digits: 0, figure: m => m.readyMs, spread: true },
  { title: 'MB resident', digits: 1, figure: m => megabytes(m.residentBytes), spread: true },
];

/** The lines before the first table. */
export function renderMachine(
  machine: Machine,
  versions: Readonly<Record<string, string>>,
  command: string,
): string {
  const { proxyCore, loadCore } = machine;
  return [
    `machine   ${machine.cpu}, ${machine.cores} cores, ${(machine.memoryBytes / 2 ** 30).toFixed(0)} GiB, ${machine.kernel}`,
    proxyCore === null
      ? ''
      : `cores     ${proxyCore}: the proxy under test; ${loadCore}: load generator and endpoints (Node ${machine.node})`,
    ...Object.entries(versions).map(([name, version]) => `${name.padEnd(9)} ${version}`),
    `command   ${command}`,
    ...machine.limits.map(limit => `note      ${limit}`),
  ]
    .filter(line => line !== '')
    .join('\n');
}

/** A scenario's table, the ratios to the peers, and the expectations. */
export function renderScenario(
  result: ScenarioResult,
  ownRows: readonly string[],
  nodeMajor: number,
): string {
  const { scenario, rows } = result;
  const columns = [...(scenario.kind === 'start' ? START_COLUMNS : LOAD_COLUMNS), ...bulkColumns(scenario)];
  const lines = [
    `${scenario.name}: ${scenario.title}`,
    table(
      ['', ...columns.map(column => column.title)],
      [...rows].map(([name, rounds]) => [name, ...columns.map(column => cell(column, rounds))]),
    ),
  ];
  for (const [name, rounds] of rows) {
    const errors = sumErrors(rounds);
    if (errors !== '') lines.push(`${name} had errors: ${errors}`);
  }
  lines.push(...notQuiet(rows));
  if (scenario.pace.kind === 'fixed') lines.push(...rateNotHeld(rows, scenario.pace.perSecond));
  for (const own of ownRows)
    lines.push(...renderComparison(own, result), ...renderVerdicts(own, result, nodeMajor));
  return lines.join('\n');
}

/** The same as data. */
export function scenarioToJson(
  result: ScenarioResult,
  ownRows: readonly string[],
  nodeMajor: number,
): unknown {
  return {
    name: result.scenario.name,
    title: result.scenario.title,
    rows: Object.fromEntries(
      [...result.rows].map(([name, rounds]) => [name, { median: medians(rounds), rounds }]),
    ),
    comparisons: Object.fromEntries(ownRows.map(own => [own, compare(own, result)])),
    expectations: Object.fromEntries(ownRows.map(own => [own, verdicts(own, result, nodeMajor)])),
  };
}

/** How a row stands to a peer: medians of the ratios within each round, since rounds differ more than what is compared. */
interface Comparison {
  readonly peer: string;
  readonly cpu: number | null;
  readonly rate: number | null;
  readonly wholeCoreRate: number | null;
  readonly p50Us: number | null;
  readonly p99Us: number | null;
}

function compare(own: string, { rows }: ScenarioResult): Comparison[] {
  const mine = rows.get(own) ?? [];
  return [...rows]
    .filter(([peer]) => peer !== own)
    .map(([peer, theirs]) => {
      const over = (combine: (a: Measurement, b: Measurement) => number | null): number | null =>
        medianOf(
          mine.flatMap((m, round) => (theirs[round] === undefined ? [] : [combine(m, theirs[round])])),
        );
      return {
        peer,
        cpu: over((a, b) => ratio(a.cpuUs, b.cpuUs)),
        rate: over((a, b) => ratio(a.requestsPerSecond, b.requestsPerSecond)),
        wholeCoreRate: over((a, b) => (b.coreUs === null ? null : ratio(wholeCoreRate(a), wholeCoreRate(b)))),
        p50Us: over((a, b) => difference(a.latency?.p50 ?? null, b.latency?.p50 ?? null)),
        p99Us: over((a, b) => difference(a.latency?.p99 ?? null, b.latency?.p99 ?? null)),
      };
    });
}

function renderComparison(own: string, result: ScenarioResult): string[] {
  if (result.scenario.kind === 'start') return [];
  const fixedRate = result.scenario.pace.kind === 'fixed';
  return compare(own, result).map(({ peer, cpu, rate, wholeCoreRate, p50Us, p99Us }) => {
    const said = [
      cpu === null ? '' : `CPU × ${cpu.toFixed(2)}`,
      rate === null || fixedRate ? '' : `rate × ${rate.toFixed(2)}`,
      wholeCoreRate === null || fixedRate ? '' : `whole-core rate × ${wholeCoreRate.toFixed(2)}`,
      p50Us === null || !fixedRate ? '' : `p50 ${signed(p50Us)} µs`,
      p99Us === null || !fixedRate ? '' : `p99 ${signed(p99Us)} µs`,
    ];
    return `${own} to ${peer}: ${said.filter(part => part !== '').join(', ')}`;
  });
}

/** Says so when others used so much of the proxy's core that everything but the CPU time of the proxy is theirs as well. */
function notQuiet(rows: ScenarioResult['rows']): string[] {
  const most = Math.max(
    0,
    ...[...rows.values()].flatMap(rounds => rounds.map(round => round.disturbance ?? 0)),
  );
  if (most < LOUD) return [];
  return [
    `not a quiet machine (others had up to ${(most * 100).toFixed(0)} % of the core): trust no rate and no latency`,
  ];
}

const LOUD = 0.25;

/** A latency at a rate that was not reached says nothing. */
function rateNotHeld(rows: ScenarioResult['rows'], perSecond: number): string[] {
  return [...rows].flatMap(([name, rounds]) => {
    const held = Math.min(...rounds.map(round => round.requestsPerSecond ?? 0));
    return held >= 0.99 * perSecond
      ? []
      : [`${name} did not hold the rate in every round: ${held.toFixed(0)} requests/s`];
  });
}

function verdicts(own: string, result: ScenarioResult, nodeMajor: number): Verdict[] {
  return judge(result.scenario.name, result.rows.get(own) ?? [], result.rows, nodeMajor);
}

function renderVerdicts(own: string, result: ScenarioResult, nodeMajor: number): string[] {
  return verdicts(own, result, nodeMajor).map(verdict => renderVerdict(own, verdict));
}

function bulkColumns(scenario: Scenario): Column[] {
  const { answerLength } = REQUESTS[scenario.request];
  if (answerLength < 64 * 1024) return [];
  const rate = (perSecond: number | null): number | null =>
    perSecond === null ? null : (perSecond * answerLength) / 1e6;
  return [
    { title: 'MB/s', digits: 0, figure: m => rate(m.requestsPerSecond) },
    { title: 'MB/s whole core', digits: 0, figure: m => (m.coreUs === null ? null : rate(wholeCoreRate(m))) },
  ];
}

function cell({ digits, figure, spread }: Column, rounds: readonly Measurement[]): string {
  const values = rounds.map(figure).filter(value => value !== null);
  if (values.length === 0) return '-';
  const middle = median(values).toFixed(digits);
  if (!spread || values.length === 1) return middle;
  return `${middle} (${Math.min(...values).toFixed(digits)}-${Math.max(...values).toFixed(digits)})`;
}

function medians(rounds: readonly Measurement[]): Record<string, number | null> {
  const of = (figure: Figure): number | null => medianOf(rounds.map(figure));
  return {
    cpuUs: of(m => m.cpuUs),
    userUs: of(m => m.userUs),
    otherThreadsUs: of(m => m.otherThreadsUs),
    coreUs: of(m => m.coreUs),
    coreBusy: of(m => m.coreBusy),
    disturbance: of(m => m.disturbance),
    requestsPerSecond: of(m => m.requestsPerSecond),
    p50Us: of(m => m.latency?.p50 ?? null),
    p99Us: of(m => m.latency?.p99 ?? null),
    residentBytes: of(m => m.residentBytes),
    readyMs: of(m => m.readyMs),
  };
}

function medianOf(values: readonly (number | null)[]): number | null {
  const known = values.filter(value => value !== null);
  return known.length === 0 ? null : median(known);
}

function sumErrors(rounds: readonly Measurement[]): string {
  const sums = new Map<string, number>();
  for (const { errors } of rounds) {
    for (const [reason, count] of Object.entries(errors)) sums.set(reason, (sums.get(reason) ?? 0) + count);
  }
  return [...sums].map(([reason, count]) => `${count} × ${reason}`).join('; ');
}

function percent(share: number | null): number | null {
  return share === null ? null : share * 100;
}

function signed(value: number): string {
  return `${value >= 0 ? '+' : '-'}${Math.abs(value).toFixed(0)}`;
}
