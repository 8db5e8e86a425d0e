import { type Bound, type Verdict, verdict } from '../bench/verdict.ts';
import type { Figures } from './figures.ts';

/** What the project promises of Outrider, with its defaults, in a scenario. */
interface Expectation {
  readonly scenarios: readonly string[];
  readonly says: string;
  readonly bound: Bound;
  readonly limit: number;
  readonly unit: string;
  /** Null where it is not measured. */
  value(figures: Figures): number | null;
}

/** Those in which the caller of a GET sees nothing. */
const UNSEEN = [
  'killed',
  'unavailable',
  'flaky',
  'closing',
  'reset-get',
  'rolling',
  'dead-of-2',
  'bad-2-of-5',
];
const STANDING = ['frozen', 'frozen-of-2', 'trickle', 'slow'];
const FAILING = ['failing-half', 'failing-all', 'nested-half', 'nested-all'];
const OVERLOADED = ['overload-told', 'overload'];

export const EXPECTATIONS: readonly Expectation[] = [
  atMost(UNSEEN, 'failed GETs', 0, '', figures => figures.failedGets),
  // Nothing listens in the others, so nothing can be counted.
  atMost(
    ['unavailable', 'flaky', 'closing', 'reset-get', 'bad-2-of-5'],
    'sent to the bad endpoint while it is bad',
    1,
    '%',
    figures => percent(figures.shareToBad),
  ),
  atMost(STANDING, 'failed', 0, '', figures => figures.failed),
  atMost(STANDING, 'waited longer than 50 ms', 5, '', figures => figures.slow),
  atMost(['reset-post'], 'POSTs sent twice', 0, '', figures => figures.sentTwice),
  atMost(['reset-post'], 'failed POSTs of 1,500', 5, '', figures =>
    figures.requests === 0 ? null : (figures.failedPosts * 1_500) / figures.requests,
  ),
  atMost(['idle'], 'failed GETs', 0, '', figures => figures.failedGets),
  atMost(['idle'], 'failed POSTs', 10, '', figures => figures.failedPosts),
  atMost(['idle'], 'POSTs sent twice', 0, '', figures => figures.sentTwice),
  atMost(['torn-small', 'torn-large'], 'passed on as whole', 0, '', figures => figures.wrong),
  atMost(['torn-small'], 'failed GETs', 0, '', figures => figures.failedGets),
  atMost(['torn-large'], 'torn before it is left alone', 10, '', figures => figures.torn),
  atMost(FAILING, 'amplification', 1.25, '×', figures => figures.amplification),
  atMost(FAILING, 'good answers that did not arrive', 0, '', figures => figures.lostAnswers),
  atMost(['all-down'], 'time until an error', 5, 'ms', figures => figures.slowestFailureMs ?? 0),
  atMost(['all-down'], 'good again after', 100, 'ms', figures => figures.recoveryMs),
  { ...atMost(OVERLOADED, 'goodput', 99, '% of the capacity', f => percent(f.goodput)), bound: 'at least' },
  atMost(['overload-told'], 'p99 of what is served', 25, 'ms', figures => figures.servedP99Ms),
  atMost(['overload-told'], 'p99 of refusals', 5, 'ms', figures => figures.failureP99Ms ?? 0),
  atMost(['overload'], 'p99 of what is served', 100, 'ms', figures => figures.servedP99Ms),
  atMost(['hang-up'], 'given up and done all the same', 0, '', figures => figures.leftAndFinished),
];

/** Judges what was measured of Outrider in a scenario. */
export function judge(scenario: string, figures: Figures): Verdict[] {
  return EXPECTATIONS.filter(({ scenarios }) => scenarios.includes(scenario)).map(expectation =>
    verdict(expectation, expectation.value(figures)),
  );
}

function atMost(
  scenarios: readonly string[],
  says: string,
  limit: number,
  unit: string,
  value: Expectation['value'],
): Expectation {
  return { scenarios, says, bound: 'at most', limit, unit, value };
}

function percent(share: number | null): number | null {
  return share === null ? null : 100 * share;
}
