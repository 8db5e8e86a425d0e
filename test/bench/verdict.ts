/** Whether what was promised was measured, in the words of the report. */

export type Bound = 'at most' | 'at least';

/** What became of an expectation. */
export interface Verdict {
  readonly says: string;
  readonly limit: string;
  /** Null where it was not measured. */
  readonly value: number | null;
  readonly met: boolean | null;
}

interface Promised {
  readonly says: string;
  readonly bound: Bound;
  readonly limit: number;
  readonly unit: string;
}

export function verdict({ says, bound, limit, unit }: Promised, value: number | null): Verdict {
  const met = value === null ? null : bound === 'at most' ? value <= limit : value >= limit;
  return { says, limit: `${bound} ${limit} ${unit}`.trimEnd(), value, met };
}

export function renderVerdict(name: string, { says, limit, value, met }: Verdict): string {
  const got = value === null ? 'not measured' : value.toFixed(2);
  return `${name}, expected: ${says}, ${limit}: ${got}${met === null ? '' : met ? ', met' : ', NOT MET'}`;
}
