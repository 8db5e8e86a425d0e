import type { Revision } from '../contract/resources.ts';
import { SIDECAR_HEADER } from '../contract/watch-messages.ts';
import { ApiProblem } from './api-problem.ts';

/** A header field that a call may have: how it is read, and how the OpenAPI document describes it. */
export interface HeaderField<T> {
  readonly name: string;
  readonly pattern: string;
  readonly description: string;
  /** @throws ApiProblem 400 */
  read(text: string): T;
}

/** Reads a field by its pattern. */
function fieldOf<T>(
  about: Omit<HeaderField<T>, 'read'>,
  understand: (text: string) => T,
  complaint: (text: string) => string,
): HeaderField<T> {
  const form = new RegExp(about.pattern);
  return {
    ...about,
    read(text) {
      if (form.test(text)) return understand(text);
      throw new ApiProblem(400, complaint(text));
    },
  };
}

/** Header fields of a call, by what the call names them. */
export type HeaderFields = Readonly<Record<string, HeaderField<unknown>>>;

/** What was read of them; null where a field is not there. */
export type ReadHeaders<H extends HeaderFields> = {
  readonly [K in keyof H]: H[K] extends HeaderField<infer T> ? T | null : never;
};

export const SIDECAR_ID = fieldOf(
  {
    name: SIDECAR_HEADER,
    pattern: '^[!-~]{1,256}$',
    description: 'The id of the sidecar that makes the call: its stream renews the lease.',
  },
  text => text,
  () => `The header ${SIDECAR_HEADER} is not the id of a sidecar.`,
);

/** RFC 9110, section 8.8.3. */
const ENTITY_TAG = '(W/)?"[!#-~]*"';

/**
 * The revisions of which a service has to be at one, or that it has to be there: RFC 9110, section 13.1.1. Tags are compared
 * strongly, so that a weak one is none of them, nor is one that is not ours.
 */
export const IF_MATCH = fieldOf<readonly Revision[] | 'present'>(
  {
    name: 'If-Match',
    pattern: `^(\\*|${ENTITY_TAG}( *, *${ENTITY_TAG})*)$`,
    description: 'The ETag that the service has to have, several of which it has to have one, or *.',
  },
  text => (text === '*' ? 'present' : revisionsOf(text)),
  text => `If-Match has to be the ETag of the service, such as "42", or *; found ${text}`,
);

function revisionsOf(tags: string): Revision[] {
  const strong = tags.match(/(W\/)?"[^"]*"/g)?.filter(tag => /^"[1-9][0-9]{0,14}"$/.test(tag)) ?? [];
  return strong.map(tag => Number(tag.slice(1, -1)));
}

/** That there is no such service yet. */
export const IF_ABSENT = fieldOf<'absent'>(
  { name: 'If-None-Match', pattern: '^\\*$', description: '*: only where there is none yet.' },
  () => 'absent',
  () => 'If-None-Match may only be * here: write it where there is none yet.',
);

/** ETags that the caller knows already, whatever else there is. They are compared weakly: RFC 9110, section 13.1.2. */
export const IF_NONE_MATCH: HeaderField<readonly string[]> = {
  name: 'If-None-Match',
  pattern: '^[!-~]+$',
  description: 'An ETag that is known already.',
  read: text => text.split(',').map(tag => tag.trim().replace(/^W\//, '')),
};
