import fc, { type Arbitrary } from 'fast-check';

/** Generators of valid messages, as values and as the many ways in which the same value may be written. */

// A failing case is made smaller for this long at most; a slow machine makes fewer runs.
fc.configureGlobal({ interruptAfterTimeLimit: 4000 });

const characters = (pattern: RegExp) =>
  Array.from({ length: 256 }, (_, code) => String.fromCharCode(code)).filter(text => pattern.test(text));
const text = (pattern: RegExp, minLength: number, maxLength: number) =>
  fc.string({ unit: fc.constantFrom(...characters(pattern)), minLength, maxLength });

const token = text(/[!#$%&'*+\-.^_`|~0-9A-Za-z]/, 1, 12);
/** Any bytes, as latin1. */
export const bytes: Arbitrary<string> = fc
  .uint8Array({ maxLength: 60 })
  .map(array => Buffer.from(array).toString('latin1'));
const whiteSpace = text(/[\t ]/, 0, 3);

const SPECIAL =
  /^(host|connection|keep-alive|proxy-connection|te|transfer-encoding|upgrade|http2-settings|proxy-authorization|content-length|expect|max-forwards|date|trailer)$/i;
const fieldName = fc.oneof(
  token.filter(name => !SPECIAL.test(name)),
  fc.mixedCase(fc.constantFrom('accept', 'cookie', 'x-request-id', 'content-type', 'via', 'x-forwarded-for')),
);
/** Visible characters, obs-text, and white space within. */
const fieldValue = text(/[\t\x20-\x7e\x80-\xff]/, 0, 20).map(value => value.replace(/^[ \t]+|[ \t]+$/g, ''));

/** `[name, value, name, value, …]` of fields that mean nothing to the codec. */
export const plainFields: Arbitrary<string[]> = fc
  .array(fc.tuple(fieldName, fieldValue), { maxLength: 6 })
  .map(fields => fields.flat());

const trailers = fc
  .array(
    fc.tuple(
      token.filter(name => !SPECIAL.test(name)).map(name => `X-${name}`),
      fieldValue,
    ),
    { maxLength: 3 },
  )
  .map(fields => (fields.length === 0 ? null : fields.flat()));

export const authority: Arbitrary<string> = fc
  .tuple(
    fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6().map(address => `[${address}]`),
      text(/[A-Za-z0-9._-]/, 1, 12),
    ),
    fc.option(fc.integer({ min: 1, max: 65_535 })),
  )
  .map(([host, port]) => (port === null ? host : `${host}:${port}`));

const originForm = text(/[\x21\x22\x24-\x7e]/, 0, 30).map(rest => `/${rest}`);

/** A body and how it is framed. */
export type Body =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly data: string }
  | {
      readonly kind: 'chunked';
      readonly chunks: readonly Chunk[];
      readonly last: string;
      readonly trailers: string[] | null;
    };

/** A chunk and how its size line is written. */
interface Chunk {
  readonly data: string;
  readonly zeros: number;
  readonly upper: boolean;
  readonly extension: string;
}

const quoted = text(/[\t\x20\x21\x23-\x5b\x5d-\x7e\x80-\xff]/, 0, 8).map(inner => `"${inner}\\"\\\\"`);
const extension = fc
  .array(
    fc
      .tuple(
        whiteSpace,
        whiteSpace,
        token,
        fc.option(fc.tuple(whiteSpace, whiteSpace, fc.oneof(token, quoted))),
      )
      .map(
        ([a, b, name, value]) =>
          `${a};${b}${name}${value === null ? '' : `${value[0]}=${value[1]}${value[2]}`}`,
      ),
    { maxLength: 2 },
  )
  .map(parts => parts.join(''));

const bodyWith = (extension: Arbitrary<string>): Arbitrary<Body> =>
  fc.oneof(
    fc.record({ kind: fc.constant('none' as const) }),
    fc.record({ kind: fc.constant('length' as const), data: bytes }),
    fc.record({
      kind: fc.constant('chunked' as const),
      chunks: fc.array(
        fc.record({
          data: bytes.filter(data => data !== ''),
          zeros: fc.nat(3),
          upper: fc.boolean(),
          extension,
        }),
        { maxLength: 4 },
      ),
      last: extension,
      trailers,
    }),
  );

export const body: Arbitrary<Body> = bodyWith(extension);
/** What llhttp takes too: it knows no white space in chunk extensions, and llhttp 8 no quoted values. */
export const llhttpBody: Arbitrary<Body> = bodyWith(extension.map(text => (/[\t "]/.test(text) ? '' : text)));

/** The bytes of a body without their framing. */
export function dataOf(content: Body): string {
  if (content.kind === 'none') return '';
  return content.kind === 'length' ? content.data : content.chunks.map(chunk => chunk.data).join('');
}

/** The body as it is sent. */
export function writeBody(content: Body): string {
  if (content.kind !== 'chunked') return dataOf(content);
  const chunks = content.chunks.map(({ data, zeros, upper, extension }) => {
    const size = data.length.toString(16);
    return `${'0'.repeat(zeros)}${upper ? size.toUpperCase() : size}${extension}\r\n${data}\r\n`;
  });
  return `${chunks.join('')}0${content.last}\r\n${writeFields(content.trailers ?? [])}\r\n`;
}

/** Fields as lines, one space after each colon. */
export function writeFields(fields: readonly string[]): string {
  let lines = '';
  for (let i = 0; i < fields.length; i += 2) lines += `${fields[i]}: ${fields[i + 1]}\r\n`;
  return lines;
}

/** Fields as lines with optional white space around the values; without tabs where llhttp allows none. */
function writeSpaced(fields: readonly string[], spaces: readonly (readonly [string, string])[]): string {
  let lines = '';
  for (let i = 0; i < fields.length; i += 2) {
    const [before, after] = spaces[i % spaces.length];
    const isFraming = /^(content-length|transfer-encoding)$/i.test(fields[i]);
    lines += `${fields[i]}:${before}${fields[i + 1]}${isFraming ? after.replaceAll('\t', ' ') : after}\r\n`;
  }
  return lines;
}

/** A request that any server takes: what it is, and its bytes, which are one of many ways to write it. */
export interface WrittenRequest {
  readonly method: string;
  readonly target: string;
  /** The end-to-end fields. */
  readonly fields: string[];
  readonly body: Body;
  readonly text: string;
}

/** @param methods that the reader knows */
export function writtenRequest(
  methods: readonly string[],
  bodies: Arbitrary<Body> = body,
): Arbitrary<WrittenRequest> {
  return fc
    .record({
      method: fc.constantFrom(...methods),
      target: originForm,
      before: plainFields,
      after: plainFields,
      authority,
      body: bodies,
      spaces: fc.array(fc.tuple(whiteSpace, whiteSpace), { minLength: 1, maxLength: 5 }),
      keepAlive: fc.boolean(),
      nominated: fc.option(token.filter(name => !SPECIAL.test(name)).map(name => `X-N-${name}`)),
    })
    .map(({ method, target, before, after, authority, body, spaces, keepAlive, nominated }) => {
      const fields = [...before, 'Host', authority, ...after];
      const lines = [...fields];
      if (body.kind === 'length') {
        lines.push('content-LENGTH', String(body.data.length));
        fields.push('content-LENGTH', String(body.data.length));
      }
      if (body.kind === 'chunked') lines.push('Transfer-Encoding', 'Chunked');
      if (keepAlive) lines.push('Connection', 'Keep-Alive');
      if (nominated !== null) lines.push(nominated, 'x', 'connection', `,${nominated.toUpperCase()} ,`);
      const text = `${method} ${target} HTTP/1.1\r\n${writeSpaced(lines, spaces)}\r\n${writeBody(body)}`;
      return { method, target, fields, body, text };
    });
}

/** An answer that any client takes. */
export interface WrittenResponse {
  readonly status: number;
  readonly reason: string;
  readonly fields: string[];
  readonly body: Body;
  readonly text: string;
}

const BODILESS = [204, 304];

export const writtenResponse = (bodies: Arbitrary<Body> = body): Arbitrary<WrittenResponse> =>
  fc
    .record({
      status: fc.oneof(fc.constantFrom(200, 204, 304, 404), fc.integer({ min: 200, max: 599 })),
      reason: text(/[\t\x20-\x7e]/, 0, 12).map(reason => reason.trim()),
      before: plainFields,
      after: plainFields,
      body: bodies,
      spaces: fc.array(fc.tuple(whiteSpace, whiteSpace), { minLength: 1, maxLength: 5 }),
    })
    .map(({ status, reason, before, after, body, spaces }) => {
      const content: Body = BODILESS.includes(status) || body.kind === 'none' ? { kind: 'none' } : body;
      const fields = [...before, 'Date', 'Tue, 15 Nov 1994 08:12:31 GMT', ...after];
      const lines = [...fields];
      if (content.kind === 'length' || (content.kind === 'none' && !BODILESS.includes(status))) {
        const length = String(dataOf(content).length);
        lines.push('Content-Length', length);
        fields.push('Content-Length', length);
      }
      if (content.kind === 'chunked') lines.push('transfer-encoding', 'chunked');
      const text = `HTTP/1.1 ${status} ${reason}\r\n${writeSpaced(lines, spaces)}\r\n${writeBody(content)}`;
      return { status, reason, fields, body: content, text };
    });
