import { formatKeyPath, type KeyPath, type Problem, problem } from './problem.ts';
import type { WrittenSettings } from './read.ts';

/** Settings of a policy that are validated and that this version does nothing with. Who builds one takes it off this list. */
export const NOT_APPLIED: readonly string[] = ['fallback'];

/** A warning for each setting that was written and is not applied. @param path where the policy is */
export function findNotApplied(path: KeyPath, written: WrittenSettings): Problem[] {
  return NOT_APPLIED.flatMap(setting => {
    const key = formatKeyPath([...path, ...setting.split('.')]);
    const place = written.get(key)?.keyAt;
    return place === undefined
      ? []
      : [problem(place, key, 'is accepted but not applied by this version', 'warning')];
  });
}
