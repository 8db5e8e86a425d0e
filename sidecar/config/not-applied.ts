import { type Problem, problem } from '../../control-plane/contract/problem.ts';
import type { WrittenSettings } from '../../control-plane/contract/read.ts';

/**
 * Settings that are validated and that this version does nothing with. Who builds one takes it off this list. A `*`
 * stands for any key.
 */
export const NOT_APPLIED: readonly string[] = [
  'upstreams.*.policy.retry.backoff',
  'upstreams.*.policy.retry.budget',
  'upstreams.*.policy.breaker',
  'upstreams.*.policy.limits.concurrency',
  'upstreams.*.policy.rateLimit',
  'upstreams.*.policy.outliers',
  'upstreams.*.policy.hedge',
  'upstreams.*.policy.fallback',
  'upstreams.*.policy.fault',
];

/** A warning for each setting that was written and is not applied. */
export function findNotApplied(written: WrittenSettings): Problem[] {
  const patterns = NOT_APPLIED.map(pattern => pattern.split('.'));
  const problems: Problem[] = [];
  for (const [key, { path, keyAt }] of written) {
    const isMatch = patterns.some(
      pattern =>
        pattern.length === path.length && pattern.every((step, i) => step === '*' || step === path[i]),
    );
    if (isMatch) problems.push(problem(keyAt, key, 'is accepted but not applied by this version', 'warning'));
  }
  return problems;
}
