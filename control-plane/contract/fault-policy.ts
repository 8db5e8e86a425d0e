import { CALLERS_SETTING } from './callers-setting.ts';
import { fieldName } from './field-name.ts';
import { choice, count, duration, either, listOf, optional, ratio, section, text } from './setting.ts';

/** Faults made on purpose. */
export const FAULT_SCHEMA = optional(
  section('Faults made on purpose, to see how callers cope.', {
    delay: optional(
      section('Requests that are delayed before anything else is done for them.', {
        for: duration({
          description: 'How long. No timeout but the deadline that a request brings along counts that time.',
          min: '1ms',
          max: '5m',
        }),
        percent: ratio({ description: 'The part of the requests.', default: '100%' }),
      }),
      { means: 'none', word: null },
    ),
    abort: optional(
      section(
        'Requests that are answered by the sidecar and reach nobody; after their delay, where they have one.',
        {
          with: either(
            [
              choice(['reset'], { description: '`reset`: the connection is cut without an answer.' }),
              count({ description: 'The status of the answer.', min: 400, max: 599 }),
            ],
            { description: 'What the application gets: a status, or `reset`.', default: 503 },
          ),
          percent: ratio({ description: 'The part of the requests.', default: '100%' }),
        },
      ),
      { means: 'none', word: null },
    ),
    match: listOf(
      section('A header field that the request has.', {
        name: text(fieldName('x-canary'), { description: 'Its name; case does not matter.' }),
        value: optional(
          text(
            { expected: 'a value', form: 'text', pattern: '^[\\u0020-\\u007e]{1,256}$' },
            { description: 'Its whole value; can not stand beside `prefix`.' },
          ),
          { means: 'any value', word: null },
        ),
        prefix: optional(
          text(
            { expected: 'the beginning of a value', form: 'text', pattern: '^[\\u0020-\\u007e]{1,256}$' },
            { description: 'What its value begins with.' },
          ),
          { means: 'any value', word: null },
        ),
      }),
      {
        description:
          'Header fields that a request must have, all of them; without any, every request is meant.',
        max: 16,
      },
    ),
    callers: CALLERS_SETTING,
    maxActive: count({
      description:
        'Requests that are delayed at once at most; further ones are let through as if there were no fault.',
      default: 1000,
      min: 1,
      max: 1_000_000,
    }),
    ttl: duration({
      description:
        'After this time the faults end by themselves. It counts from when they were set; to change something else does not start it anew.',
      default: '10m',
      min: '1s',
      max: '24h',
    }),
  }),
  { means: 'no faults', word: null },
);
