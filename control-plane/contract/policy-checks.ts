import { findNotApplied } from './not-applied.ts';
import type { Policy } from './policy.ts';
import { formatKeyPath, type KeyPath, type Problem, problem } from './problem.ts';
import type { WrittenSettings } from './read.ts';

/**
 * Settings of a policy that this version does not apply, and those that are right one by one and make no sense together. They are
 * warnings: the shorter time wins.
 * Only what was written is judged, so that nobody is warned of a default.
 */
export function checkPolicy(policy: Policy, path: KeyPath, written: WrittenSettings): Problem[] {
  const problems: Problem[] = findNotApplied(path, written);
  const { timeouts, limits, retry } = policy;
  const warnIfLonger = (key: string, value: number | null, thanKey: string, than: number | null) => {
    const name = formatKeyPath([...path, ...key.split('.')]);
    const place = written.get(name);
    if (place === undefined || value === null || than === null || value <= than) return;
    problems.push(problem(place.valueAt, name, `is longer than ${thanKey}, which ends it first`, 'warning'));
  };
  warnIfLonger('timeouts.connect', timeouts.connect, 'timeouts.total', timeouts.total);
  warnIfLonger('timeouts.connect', timeouts.connect, 'timeouts.attempt', timeouts.attempt);
  warnIfLonger('timeouts.attempt', timeouts.attempt, 'timeouts.total', timeouts.total);
  warnIfLonger('limits.pendingFor', limits.pendingFor, 'timeouts.total', timeouts.total);
  warnIfLonger('limits.hold', limits.hold, 'timeouts.total', timeouts.total);
  warnIfLonger('retry.backoff.base', retry.backoff.base, 'retry.backoff.max', retry.backoff.max);
  return problems;
}
