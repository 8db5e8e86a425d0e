import { POLICY_SCHEMA, type Policy } from './policy.ts';
import { defaultsOf } from './read.ts';

/** The policy of an upstream that nobody wrote one for: the schema's defaults. */
export const DEFAULT_POLICY: Policy = defaultsOf(POLICY_SCHEMA);
