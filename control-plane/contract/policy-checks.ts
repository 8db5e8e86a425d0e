import { formatDuration } from './duration.ts';
import { findNotApplied } from './not-applied.ts';
import type { Policy } from './policy.ts';
import { formatKeyPath, type KeyPath, type Problem, problem } from './problem.ts';
import type { WrittenSettings } from './read.ts';

/**
 * Settings of a policy that this version does not apply, and those that are right one by one and make no sense together. Where the
 * shorter time simply wins that is a warning; what was asked for and could never happen is an error.
 * Only what was written is judged, so that nobody is told of a default.
 */
export function checkPolicy(policy: Policy, path: KeyPath, written: WrittenSettings): Problem[] {
  const problems: Problem[] = findNotApplied(path, written);
  const { timeouts, limits, retry } = policy;
  const tell = (key: string, message: string, severity: Problem['severity']) => {
    const name = formatKeyPath([...path, ...key.split('.')]);
    const place = written.get(name);
    if (place !== undefined) problems.push(problem(place.valueAt, name, message, severity));
  };
  const warnIfLonger = (key: string, value: number | null, thanKey: string, than: number | null) => {
    if (value === null || than === null || value <= than) return;
    tell(key, `is longer than ${thanKey}, which ends it first`, 'warning');
  };
  warnIfLonger('timeouts.connect', timeouts.connect, 'timeouts.total', timeouts.total);
  warnIfLonger('timeouts.connect', timeouts.connect, 'timeouts.attempt', timeouts.attempt);
  warnIfLonger('limits.pendingFor', limits.pendingFor, 'timeouts.total', timeouts.total);
  warnIfLonger('limits.hold', limits.hold, 'timeouts.total', timeouts.total);
  warnIfLonger('retry.backoff.base', retry.backoff.base, 'retry.backoff.max', retry.backoff.max);
  warnIfLonger('retry.retryAfter', retry.retryAfter, 'timeouts.total', timeouts.total);
  const { ejectFor = null, maxEjectFor = null, lostFor = null } = policy.outliers ?? {};
  warnIfLonger('outliers.ejectFor', ejectFor, 'outliers.maxEjectFor', maxEjectFor);
  warnIfLonger('outliers.lostFor', lostFor, 'outliers.ejectFor', ejectFor);
  checkAttempts(policy, tell);
  return problems;
}

/** How long attempts may take, and all of them together. */
function checkAttempts(
  { timeouts: { attempt, total }, retry }: Policy,
  tell: (key: string, message: string, severity: Problem['severity']) => void,
): void {
  if (attempt === null || total === null) return;
  const within = `timeouts.total (${formatDuration(total)})`;
  if (attempt > total)
    return tell('timeouts.attempt', `is longer than ${within}, which ends it first`, 'error');
  const before = (retry.attempts - 1) * attempt;
  if (before < total || !retry.on.includes('attempt-timeout')) return;
  const sum = `${retry.attempts - 1} × timeouts.attempt is ${formatDuration(before)}`;
  tell(
    'retry.attempts',
    `leaves no time for the last attempt: ${sum}, and ${within} ends them first`,
    'error',
  );
}
