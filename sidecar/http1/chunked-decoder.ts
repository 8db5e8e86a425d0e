import type { Fields } from '../exchange/fields.ts';
import { CR, FIELD_VALUE, HEX, HTAB, LF, SP, TOKEN } from './characters.ts';
import { parseFieldSection } from './field-section.ts';
import { HeadReader, INCOMPLETE, lineFault, REFUSED } from './head-reader.ts';
import { malformed, ProtocolError } from './protocol-error.ts';

/** Told the body's bytes, without their framing. */
export interface BodyReceiver {
  onBody(chunk: Buffer): void;
}

/** Where a decoder stands in the chunked coding's grammar (RFC 9112 section 7.1). */
type State =
  | 'size-first' // the first digit of a size
  | 'size'
  | 'extension-gap' // white space that a `;` has to follow
  | 'extension-name-first'
  | 'extension-name'
  | 'extension-name-gap' // white space that a `;` or `=` has to follow
  | 'extension-value-first'
  | 'extension-value'
  | 'extension-quoted'
  | 'extension-escaped'
  | 'extension-end' // after a quoted value
  | 'size-lf'
  | 'data'
  | 'data-cr'
  | 'data-lf'
  | 'trailers'
  | 'done';

/** 13 hexadecimal digits stay below 2^53: no size is rounded. */
const MAX_SIZE_DIGITS = 13;
/** Extensions of one whole body: nobody uses them but to fill memory or to smuggle. */
const MAX_EXTENSION_BYTES = 4096;

/** Moving more than this costs as much as telling it by itself. */
const SMALL_CHUNK = 4096;
/** Up to this length a loop beats the call of the runtime. */
const FEW_BYTES = 64;

/**
 * What a trailer section can't set: framing, routing, authentication, request modifiers, response controls, the content's
 * format, and what else had to be known before the body (RFC 9110 section 6.5.1).
 */
const NOT_IN_TRAILERS: ReadonlySet<string> = new Set([
  'age',
  'authorization',
  'cache-control',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'expect',
  'expires',
  'host',
  'if-match',
  'if-modified-since',
  'if-none-match',
  'if-range',
  'if-unmodified-since',
  'location',
  'max-forwards',
  'pragma',
  'proxy-authenticate',
  'range',
  'retry-after',
  'set-cookie',
  'trailer',
  'vary',
  'via',
  'www-authenticate',
]);

/** The chunked coding, decoded over any split of the bytes. Extensions are checked and dropped. Reusable after {@link start}. */
export class ChunkedDecoder {
  isDone = false;
  error: ProtocolError | null = null;
  /** The trailer fields once done, or null where there are none. */
  trailers: Fields | null = null;
  private state: State = 'size-first';
  private size = 0;
  private digits = 0;
  private extensionBytes = 0;
  private nominated: ReadonlySet<string> | null = null;
  private readonly trailerReader: HeadReader;
  private readonly fieldLimit: number;

  /**
   * @param headLimit the largest trailer section in bytes
   * @param fieldLimit how many trailer fields there may be
   */
  constructor(headLimit: number, fieldLimit: number) {
    this.trailerReader = new HeadReader(headLimit);
    this.fieldLimit = fieldLimit;
  }

  /** Begins a new body. @param nominated names, in lower case, of which no trailer is told */
  start(nominated: ReadonlySet<string> | null = null): void {
    this.nominated = nominated;
    this.isDone = false;
    this.error = null;
    this.trailers = null;
    this.state = 'size-first';
    this.size = 0;
    this.digits = 0;
    this.extensionBytes = 0;
    this.trailerReader.reset();
  }

  /**
   * Takes the bytes from `from` to `to`; stops behind the body's last byte. Small chunks are told together: they are moved
   * over the framing between them, so that a body in chunks of one byte costs its receiver one call for each read.
   * @param bytes are the decoder's to overwrite between `from` and the position returned
   * @returns the position up to which bytes were taken; {@link error} is set where they are no chunked body
   */
  feed(bytes: Buffer, from: number, to: number, receiver: BodyReceiver): number {
    let i = from;
    // Data that lies together and was not told yet.
    let start = from;
    let end = from;
    while (i < to && this.state !== 'done') {
      if (this.state === 'data') {
        const length = Math.min(to - i, this.size);
        this.size -= length;
        if (this.size === 0) this.state = 'data-cr';
        if (end > start && length <= SMALL_CHUNK) {
          move(bytes, i, length, end);
        } else {
          if (end > start) receiver.onBody(bytes.subarray(start, end));
          start = i;
          end = i;
        }
        end += length;
        i += length;
      } else if (this.state === 'trailers') {
        i = this.feedTrailers(bytes, i, to);
      } else {
        this.state = this.next(bytes[i++]);
      }
      if (this.error !== null) this.state = 'done';
    }
    if (end > start) receiver.onBody(bytes.subarray(start, end));
    return i;
  }

  private next(byte: number): State {
    switch (this.state) {
      case 'size-first':
        this.size = 0;
        this.digits = 0;
        if (HEX[byte] === 255) return this.refuse('a chunk without a size');
        return this.addDigit(byte);
      case 'size':
        if (HEX[byte] !== 255) return this.addDigit(byte);
        return this.afterExtensionPart(byte, 'a malformed chunk size');
      case 'data-cr':
        return byte === CR ? 'data-lf' : this.refuse('a chunk that is longer than its size');
      case 'data-lf':
        return byte === LF ? 'size-first' : this.refuse('a chunk that does not end in CRLF');
      case 'size-lf':
        if (byte !== LF) return this.refuse('a chunk size line that does not end in CRLF');
        return this.size === 0 ? 'trailers' : 'data';
      default:
        return this.nextInExtension(byte);
    }
  }

  private addDigit(byte: number): State {
    if (++this.digits > MAX_SIZE_DIGITS) return this.refuse('a chunk size that is too large');
    this.size = this.size * 16 + HEX[byte];
    return 'size';
  }

  /** `chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )` */
  private nextInExtension(byte: number): State {
    if (++this.extensionBytes > MAX_EXTENSION_BYTES) return this.refuse('chunk extensions that are too long');
    const isSpace = byte === SP || byte === HTAB;
    switch (this.state) {
      case 'extension-gap':
        if (isSpace) return this.state;
        return byte === SEMICOLON
          ? 'extension-name-first'
          : this.refuse('white space at the end of a chunk size line');
      case 'extension-name-first':
        if (isSpace) return this.state;
        return TOKEN[byte] === 1 ? 'extension-name' : this.refuse(BAD_EXTENSION);
      case 'extension-name':
        if (TOKEN[byte] === 1) return this.state;
        if (byte === EQUALS) return 'extension-value-first';
        return this.afterExtensionPart(byte, BAD_EXTENSION);
      case 'extension-value-first':
        if (isSpace) return this.state;
        if (byte === QUOTE) return 'extension-quoted';
        return TOKEN[byte] === 1 ? 'extension-value' : this.refuse(BAD_EXTENSION);
      case 'extension-value':
        if (TOKEN[byte] === 1) return this.state;
        return this.afterExtensionPart(byte, BAD_EXTENSION);
      case 'extension-quoted':
        if (byte === QUOTE) return 'extension-end';
        if (byte === BACKSLASH) return 'extension-escaped';
        return FIELD_VALUE[byte] === 1 ? 'extension-quoted' : this.refuse(BAD_EXTENSION);
      case 'extension-escaped':
        return FIELD_VALUE[byte] === 1 ? 'extension-quoted' : this.refuse(BAD_EXTENSION);
      case 'extension-name-gap':
        if (isSpace) return this.state;
        if (byte === EQUALS) return 'extension-value-first';
        return byte === SEMICOLON ? 'extension-name-first' : this.refuse(BAD_EXTENSION);
      default:
        return this.afterExtensionPart(byte, BAD_EXTENSION);
    }
  }

  /** After a size, a name or a value: the line ends, or an extension begins. */
  private afterExtensionPart(byte: number, otherwise: string): State {
    if (byte === CR) return 'size-lf';
    if (byte === SEMICOLON) return 'extension-name-first';
    if (byte !== SP && byte !== HTAB) return this.refuse(otherwise);
    return this.state === 'extension-name' ? 'extension-name-gap' : 'extension-gap';
  }

  private feedTrailers(bytes: Buffer, from: number, to: number): number {
    if (!this.trailerReader.isPartial) {
      // No trailers, as in nearly every body.
      if (to - from >= 2 && bytes[from] === CR && bytes[from + 1] === LF) return this.finish(from + 2);
      // The reader looks for CRLF CRLF; the CRLF of the size line is the first half of it when there are no trailers.
      this.trailerReader.feed(CRLF, 0, 2);
    }
    const position = this.trailerReader.feed(bytes, from, to);
    if (position === INCOMPLETE) return to;
    if (position === REFUSED) {
      this.error = this.trailerReader.error;
      return to;
    }
    const { bytes: lines, start, end } = this.trailerReader;
    if (end - start > 4) {
      const text = lines.toString('latin1', start, end);
      const section = parseFieldSection(lines, text, start, start + 2, end, this.fieldLimit);
      if (section instanceof ProtocolError) {
        this.error = lineFault(lines, start, end) ?? section;
        return position;
      }
      this.trailers = withoutForbidden(section.fields, this.nominated);
    }
    this.trailerReader.reset();
    return this.finish(position);
  }

  private finish(position: number): number {
    this.state = 'done';
    this.isDone = true;
    return position;
  }

  private refuse(detail: string): State {
    this.error = malformed(detail);
    return 'done';
  }
}

function move(bytes: Buffer, from: number, length: number, target: number): void {
  if (length > FEW_BYTES) bytes.copyWithin(target, from, from + length);
  else for (let i = 0; i < length; i++) bytes[target + i] = bytes[from + i];
}

const CRLF = Buffer.from('\r\n');
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const BAD_EXTENSION = 'a malformed chunk extension';

function withoutForbidden(fields: Fields, nominated: ReadonlySet<string> | null): Fields | null {
  const kept: Fields = [];
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i].toLowerCase();
    if (!NOT_IN_TRAILERS.has(name) && !nominated?.has(name)) kept.push(fields[i], fields[i + 1]);
  }
  return kept.length === 0 ? null : kept;
}
