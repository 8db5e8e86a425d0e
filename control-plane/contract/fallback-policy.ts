import { duration, optional, section } from './setting.ts';

/** What is answered when an upstream can not. */
export const FALLBACK_SCHEMA = optional(
  section('What is answered when the upstream can not.', {
    cached: optional(
      section('An earlier answer to the same GET.', {
        maxAge: duration({
          description: 'How old the answer may be.',
          default: '60s',
          min: '1s',
          max: '7d',
        }),
      }),
      { means: 'none', word: null },
    ),
  }),
  { means: 'no fallback', word: null },
);
