import { median, type Percentiles } from '../percentiles.ts';
import { table } from '../table.ts';
import type { PlaneFigures } from './plane-bench.ts';

const APPLIED_MS = 100;
const SERVING_MS = 2000;
const MEGABYTES = 250;

/** The plane that promises are made for, and that others are compared with. */
const OWN = 'outrider';

interface Row {
  readonly title: string;
  readonly unit: string;
  readonly figure: (figures: PlaneFigures) => number | null;
  /** Whether the ratio to it says something. */
  readonly isCompared?: boolean;
}

const ROWS: readonly Row[] = [
  { title: 'applied by the last sidecar, p50', unit: 'ms', figure: f => ms(f.last, 'p50'), isCompared: true },
  { title: 'applied by the last sidecar, p99', unit: 'ms', figure: f => ms(f.last, 'p99'), isCompared: true },
  { title: 'applied by the last sidecar, longest', unit: 'ms', figure: f => ms(f.last, 'max') },
  { title: 'applied, each sidecar, p50', unit: 'ms', figure: f => ms(f.each, 'p50') },
  { title: 'applied, each sidecar, p99', unit: 'ms', figure: f => ms(f.each, 'p99') },
  { title: 'answer to a write, p50', unit: 'ms', figure: f => ms(f.answers, 'p50'), isCompared: true },
  { title: 'answer to a write, p99', unit: 'ms', figure: f => ms(f.answers, 'p99'), isCompared: true },
  { title: 'answer to a drain, p50', unit: 'ms', figure: f => ms(f.acknowledged, 'p50') },
  { title: 'answer to a drain, p99', unit: 'ms', figure: f => ms(f.acknowledged, 'p99') },
  { title: 'serving after a kill', unit: 'ms', figure: f => f.servingAfter, isCompared: true },
  {
    title: 'all sidecars back after a kill',
    unit: 'ms',
    figure: f => f.everybodyBackAfter,
    isCompared: true,
  },
  { title: 'most resident memory', unit: 'MB', figure: megabytes, isCompared: true },
  { title: 'core used', unit: '%', figure: f => percent(f.cpuShare), isCompared: true },
  { title: 'waited for the core', unit: '%', figure: f => percent(f.waitShare) },
  { title: 'changes', unit: '', figure: f => f.changes },
];

/** What was measured, by plane and round: of every plane the same rounds. */
export type MeasuredPlanes = ReadonlyMap<string, readonly PlaneFigures[]>;

/** The table with a column for each plane, the ratios to ours, what is promised of ours, and errors. Medians of the rounds. */
export function renderPlanes(planes: MeasuredPlanes): string {
  const rows = ROWS.map(({ title, unit, figure }) => {
    const digits = unit === '' || unit === '%' ? 0 : 1;
    return [title, unit, ...[...planes.values()].map(rounds => show(medianOf(rounds, figure), digits))];
  });
  const own = planes.get(OWN);
  const others = own === undefined ? [] : [...planes].filter(([name]) => name !== OWN);
  const errors = [...planes].flatMap(([name, rounds]) =>
    rounds.flatMap(round => round.errors.slice(0, 10).map(error => `error: ${name}: ${error}`)),
  );
  const parts = [
    table(['', '', ...planes.keys()], rows),
    own === undefined ? '' : others.map(([name, rounds]) => renderRatios(name, rounds, own)).join('\n'),
    own === undefined ? '' : renderPromises(own),
    errors.join('\n'),
  ];
  return parts.filter(part => part !== '').join('\n\n');
}

/** Every round of everything, and the ratios. */
export function planesToJson(planes: MeasuredPlanes): object {
  const own = planes.get(OWN);
  const entries = [...planes].map(([name, rounds]) => {
    const ratios = own === undefined || name === OWN ? {} : { ratios: ratiosOf(rounds, own) };
    return [name, { rounds, ...ratios }];
  });
  return Object.fromEntries(entries);
}

function renderRatios(name: string, rounds: readonly PlaneFigures[], own: readonly PlaneFigures[]): string {
  const ratios = Object.entries(ratiosOf(rounds, own)).map(
    ([title, ratio]) => `  ${title} ${ratio.toFixed(2)}`,
  );
  return [`${name} / ${OWN}:`, ...ratios].join('\n');
}

/** Each the median of the ratios of the rounds. */
function ratiosOf(theirs: readonly PlaneFigures[], ours: readonly PlaneFigures[]): Record<string, number> {
  const ratios: Record<string, number> = {};
  for (const { title, figure, isCompared = false } of ROWS) {
    const ofRounds = theirs.flatMap((round, i) => {
      const [their, our] = [figure(round), figure(ours[i])];
      return their === null || our === null || our === 0 ? [] : [their / our];
    });
    if (isCompared && ofRounds.length > 0) ratios[title] = median(ofRounds);
  }
  return ratios;
}

function medianOf(rounds: readonly PlaneFigures[], figure: Row['figure']): number | null {
  const values = rounds.map(figure).filter(value => value !== null);
  return values.length === 0 ? null : median(values);
}

function renderPromises(own: readonly PlaneFigures[]): string {
  const lastP99 = medianOf(own, f => ms(f.last, 'p99'));
  return [
    verdict('p99 until the last sidecar has applied', lastP99, APPLIED_MS, 'ms'),
    verdict(
      'serving after a kill',
      medianOf(own, f => f.servingAfter),
      SERVING_MS,
      'ms',
    ),
    verdict('most resident memory', medianOf(own, megabytes), MEGABYTES, 'MB'),
  ].join('\n');
}

function ms(percentiles: Percentiles | null, which: 'p50' | 'p99' | 'max'): number | null {
  return percentiles === null ? null : percentiles[which] / 1000;
}

function megabytes({ peakBytes }: PlaneFigures): number | null {
  return peakBytes === null ? null : peakBytes / 1e6;
}

function percent(share: number | null): number | null {
  return share === null ? null : share * 100;
}

function show(value: number | null, digits: number): string {
  return value === null ? '-' : value.toFixed(digits);
}

function verdict(says: string, value: number | null, limit: number, unit: string): string {
  if (value === null) return `?   ${says}: not measured`;
  const mark = value <= limit ? 'ok ' : 'NO ';
  return `${mark} ${says}: ${value.toFixed(1)} ${unit}, at most ${limit}`;
}
