import { fieldName } from './field-name.ts';
import { SERVICE_NAME_FORM } from './service-name.ts';
import {
  byteSize,
  choice,
  count,
  duration,
  either,
  type KeyForm,
  listOf,
  mapOf,
  optional,
  parsed,
  section,
  type TextForm,
  text,
} from './setting.ts';

/** What is not for anybody to set: it is about the connection or the length, or the sidecar's own. */
const RESERVED = [
  'connection',
  'content-length',
  'date',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'x-outrider-error',
  'x-outrider-fallback',
  'x-outrider-retry',
];

const HEADER_NAME: KeyForm = {
  expected: `a header in lower case, and none of ${RESERVED.join(', ')}`,
  placeholder: 'HEADER',
  pattern: `^(?!(${RESERVED.join('|')})$)[!#$%&'*+.^_\`|~0-9a-z-]{1,64}$`,
  guess: key => (key === key.toLowerCase() ? null : key.toLowerCase()),
};

const HEADER_VALUE: TextForm = {
  expected: 'up to 1024 printable characters of ASCII',
  form: 'text',
  pattern: '^(?:[!-~](?:[ -~]{0,1022}[!-~])?)?$',
};

const MAX_BODY = 16 * 1024;

const BODY = parsed(
  {
    expected: 'text of up to 16 KiB',
    form: 'text, up to 16 KiB',
    pattern: '^[\\s\\S]*$',
    parse: body => (Buffer.byteLength(body) <= MAX_BODY ? body : null),
    print: body => body,
  },
  { description: 'Its body. A HEAD, a 204 and a 304 have none.' },
);

/** What is answered when an upstream can not. */
export const FALLBACK_SCHEMA = optional(
  section(
    'What is answered when the upstream can not: `cached`, else `upstream`, else `static`. The answer says which in `x-outrider-fallback`.',
    {
      on: listOf(
        either(
          [
            choice(['failure', 'gateway-error', '5xx'], {
              description:
                '`failure`: there is no answer in the end, whatever the retries did, or the breaker or a limit refuses it. `gateway-error`: the answer is 502, 503 or 504. `5xx`: it has a status from 500 on.',
            }),
            count({ description: 'A status.', min: 400, max: 599 }),
          ],
          { description: 'What an exchange ended in, or a status.' },
        ),
        {
          description:
            'What is covered for. A request that is malformed, rate-limited or given up by the application never is.',
          default: ['failure', 'gateway-error'],
          min: 1,
          max: 32,
        },
      ),
      after: optional(
        duration({
          description:
            'How long an answer is waited for where something can be answered instead; the time that the application takes to send its request does not count. For the breaker this is a failure like a deadline that has passed.',
          min: '1ms',
          max: '5m',
        }),
        { means: 'as long as the policy permits otherwise', word: null },
      ),
      cached: optional(
        section('The last good answer to the same GET, for GET and HEAD.', {
          maxAge: duration({
            description: 'How old the answer may be.',
            default: '60s',
            min: '1s',
            max: '7d',
          }),
          vary: listOf(text(fieldName('accept-language', 64), { description: 'A header field.' }), {
            description:
              'Request headers by whose values answers are kept apart, besides those that the answer itself names in `Vary`. With `authorization` or `cookie` each caller has answers of its own.',
            max: 16,
          }),
          ignore: listOf(
            choice(['authorization', 'cookie', 'set-cookie', 'cache-control'], {
              description: 'A header field.',
            }),
            {
              description:
                'Headers that do not keep an answer from being kept and given to others. Without them, requests with `authorization` or `cookie` are left out, as are answers with `set-cookie` and what `cache-control` forbids. `set-cookie` itself is never kept.',
              max: 4,
            },
          ),
          entrySize: byteSize({
            description: 'The largest body that is kept.',
            default: '64KiB',
            min: '1KiB',
            max: '16MiB',
          }),
          size: byteSize({
            description: 'What is kept in all, keys and headers included; what was used longest ago goes.',
            default: '4MiB',
            min: '64KiB',
            max: '1GiB',
          }),
          entries: count({
            description: 'How many answers are kept at most.',
            default: 1_000,
            min: 1,
            max: 100_000,
          }),
        }),
        { means: 'none', word: null },
      ),
      upstream: optional(
        text(SERVICE_NAME_FORM, {
          description:
            'Another upstream that is asked instead, under its own policy, in the time that is left. Only what may be sent twice (`retry.methods`), or reached nobody.',
        }),
        { means: 'none', word: null },
      ),
      static: optional(
        section('An answer of its own.', {
          methods: choice(['safe', 'all'], {
            description:
              'Which requests it is given to. `safe`: GET, HEAD, OPTIONS and TRACE, which ask for nothing to be done. `all`: any; with a status below 400 this says that something was done which was not.',
            default: 'safe',
          }),
          status: count({ description: 'Its status.', default: 200, min: 200, max: 599 }),
          headers: mapOf(
            HEADER_NAME,
            either(
              [
                text(HEADER_VALUE, { description: 'Text.' }),
                count({ description: 'A number.', min: 0, max: 1_000_000_000 }),
              ],
              { description: 'The value of the header.' },
            ),
            {
              description:
                'Its headers by name, up to 32. Without `content-type` a body is `text/plain; charset=utf-8`.',
            },
          ),
          body: optional(BODY, { means: 'no body', word: null }),
        }),
        { means: 'none', word: null },
      ),
    },
  ),
  { means: 'no fallback', word: null },
);
