import { formatDuration } from './duration.ts';
import { isIdempotent } from './methods.ts';
import type { Policy } from './policy.ts';
import { formatKeyPath, type KeyPath, type Problem, problem } from './problem.ts';
import type { WrittenSettings } from './read.ts';

/** Whether a setting was written, be it wrong: then it is missing from the policy, and somebody has been told already. */
type IsWritten = (key: string) => boolean;

/** Notes a problem of a setting of the policy, where it was written. */
type Tell = (key: string, message: string, severity: Problem['severity']) => void;

/**
 * Settings of a policy that are right one by one and make no sense together. Where the shorter time simply wins that is a warning;
 * what was asked for and could never happen is an error. Only what was written is judged, so that nobody is told of a default.
 * @param service whose policy it is
 */
export function checkPolicy(
  policy: Policy,
  path: KeyPath,
  written: WrittenSettings,
  service: string,
): Problem[] {
  const problems: Problem[] = [];
  const { timeouts, limits, retry } = policy;
  const tell: Tell = (key, message, severity) => {
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
  warnIfLonger('fallback.after', policy.fallback?.after ?? null, 'timeouts.total', timeouts.total);
  const warnIfShorter = (key: string, value: number | null, thanKey: string, than: number | null) => {
    if (value === null || than === null || value >= than) return;
    tell(key, `is shorter than ${thanKey}, and bounds nothing`, 'warning');
  };
  const { openFor = null, openForMax = null } = policy.breaker ?? {};
  warnIfShorter('breaker.openForMax', openForMax, 'breaker.openFor', openFor);
  const { ejectFor = null, maxEjectFor = null, lostFor = null } = policy.outliers ?? {};
  warnIfShorter('outliers.maxEjectFor', maxEjectFor, 'outliers.ejectFor', ejectFor);
  warnIfLonger('outliers.lostFor', lostFor, 'outliers.ejectFor', ejectFor);
  checkAttempts(policy, tell);
  const { concurrency } = limits;
  if (concurrency !== null && typeof concurrency === 'object' && concurrency.min > concurrency.max) {
    tell(
      'limits.concurrency',
      `has a min of ${concurrency.min} above its max of ${concurrency.max}`,
      'error',
    );
  }
  checkHedge(policy, tell);
  const isWritten = (key: string) => written.has(formatKeyPath([...path, ...key.split('.')]));
  checkFault(policy, isWritten, tell);
  checkFallback(policy, service, isWritten, tell);
  return problems;
}

/** What is sent twice at once has to be the same as if it were sent once, and there has to be room for it. */
function checkHedge({ hedge, retry, timeouts: { attempt, total } }: Policy, tell: Tell): void {
  if (hedge === null) return;
  const { attempts, methods } = retry;
  const unsafe = typeof methods === 'string' ? methods : methods.find(method => !isIdempotent(method));
  if (unsafe !== undefined && unsafe !== 'idempotent')
    tell(
      'retry.methods',
      `has ${unsafe}: with hedge, requests must be safe to be sent twice at once`,
      'error',
    );
  if (attempts === 1) tell('hedge', 'never happens: retry.attempts is 1, and counts hedges too', 'error');
  else if (hedge.max >= attempts)
    tell('hedge.max', `is more than retry.attempts (${attempts}) leaves after the first one`, 'warning');
  if (typeof hedge.after !== 'number') return;
  const bounds = { 'timeouts.attempt': attempt, 'timeouts.total': total };
  for (const [key, bound] of Object.entries(bounds)) {
    if (bound === null || hedge.after < bound) continue;
    return tell('hedge.after', `never happens: ${key} (${formatDuration(bound)}) ends it first`, 'error');
  }
}

/** How long attempts may take, and all of them together. */
function checkAttempts({ timeouts: { attempt, total }, retry }: Policy, tell: Tell): void {
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

function checkFault({ fault }: Policy, isWritten: IsWritten, tell: Tell): void {
  if (fault == null) return;
  if (!isWritten('fault.delay') && !isWritten('fault.abort'))
    tell('fault', 'has neither delay nor abort: nothing would happen', 'error');
  const isTwofold = fault.match.some(({ value, prefix }) => value != null && prefix != null);
  if (isTwofold) tell('fault.match', 'expected either value or prefix of a field, found both', 'error');
}

/** What would stand in for an answer. */
function checkFallback({ fallback }: Policy, service: string, isWritten: IsWritten, tell: Tell): void {
  if (fallback === null) return;
  const { on, after, cached, upstream, static: own } = fallback;
  if (!['cached', 'upstream', 'static'].some(key => isWritten(`fallback.${key}`)))
    tell('fallback', 'has none of cached, upstream and static: there is nothing to fall back on', 'error');
  if (after !== null && !on.includes('failure'))
    tell('fallback.after', 'does nothing without failure in fallback.on', 'error');
  if (upstream === service)
    tell('fallback.upstream', `is ${upstream} itself, which has just failed`, 'error');
  if (cached !== null) {
    if (cached.entrySize > cached.size)
      tell(
        'fallback.cached.entrySize',
        'is more than fallback.cached.size, which is for all answers',
        'error',
      );
    const vary = cached.vary.map(name => name.toLowerCase());
    const both = cached.ignore.find(name => vary.includes(name));
    if (both !== undefined)
      tell(
        'fallback.cached.ignore',
        `has ${both}, which fallback.cached.vary tells answers apart by`,
        'error',
      );
  }
  if (own !== null) {
    const { status, body, headers } = own;
    const hasNoBody = status === 204 || status === 304;
    if (hasNoBody && body !== null && body !== '')
      tell('fallback.static.body', `is never sent: a ${status} has none`, 'error');
    if (Object.keys(headers).length > 32)
      tell('fallback.static.headers', 'has more than 32 headers', 'error');
  }
}
