import { POLICY_SCHEMA, type Policy } from './policy.ts';
import { read } from './read.ts';

/** The policy of an upstream that nobody wrote one for: the schema's defaults. */
export const DEFAULT_POLICY: Policy = read(POLICY_SCHEMA, {
  kind: 'map',
  entries: [],
  at: { source: 'defaults', line: 0, column: 0, length: 1 },
}).value;
