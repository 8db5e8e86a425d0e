import { CR, LF } from './characters.ts';
import { malformed, ProtocolError } from './protocol-error.ts';

/** What {@link HeadReader.feed} answers when the head goes on in bytes that have not arrived. */
export const INCOMPLETE = -1;
/** What {@link HeadReader.feed} answers when the bytes can't be a head; {@link HeadReader.error} says why. */
export const REFUSED = -2;

/**
 * Finds where a head (start line and field lines) ends, over any split of the bytes. A head that arrived in one piece,
 * as nearly all do, is read where it lies; only one that did not is copied together.
 */
export class HeadReader {
  /** The buffer in which the complete head lies, from {@link start} to {@link end}, the empty line included. */
  bytes: Buffer = NOTHING;
  start = 0;
  end = 0;
  error: ProtocolError | null = null;
  /** The largest head in bytes; may change between two heads. */
  limit: number;
  private partial: Buffer = NOTHING;
  private partialLength = 0;

  /** @param limit the largest head in bytes */
  constructor(limit: number) {
    this.limit = limit;
  }

  /** Whether a head has begun and not ended. */
  get isPartial(): boolean {
    return this.partialLength > 0;
  }

  /** Whether there is more than the empty line that may stand before a head (RFC 9112 section 2.2). */
  get hasBegun(): boolean {
    return this.partialLength > 2 || (this.partialLength > 0 && this.partial[0] !== CR);
  }

  /**
   * Takes the bytes from `from` to `to`.
   * @returns the position after the head, or {@link INCOMPLETE} (all bytes are taken), or {@link REFUSED}
   */
  feed(bytes: Buffer, from: number, to: number): number {
    if (this.partialLength > 0) return this.feedPartial(bytes, from, to);
    const end = findHeadEnd(bytes, from, to);
    if (end < 0) return this.feedPartial(bytes, from, to);
    if (end - from > this.limit) {
      const fault = lineFault(bytes, from, from + this.limit + 1);
      return this.refuse(fault ?? tooLarge(bytes, from, from + this.limit));
    }
    this.bytes = bytes;
    this.start = from;
    this.end = end;
    return end;
  }

  /** Forgets a partial head and the buffers it lies in. */
  reset(): void {
    this.partial = NOTHING;
    this.partialLength = 0;
    this.bytes = NOTHING;
    this.error = null;
  }

  private feedPartial(bytes: Buffer, from: number, to: number): number {
    const before = this.partialLength;
    // One byte more than the limit is enough to know that the head is too large.
    const taken = Math.min(to - from, this.limit + 1 - before);
    this.append(bytes, from, from + taken);
    const end = findHeadEnd(this.partial, Math.max(0, before - 3), this.partialLength);
    if (end >= 0 && end <= this.limit) {
      this.bytes = this.partial;
      this.start = 0;
      this.end = end;
      this.partial = NOTHING;
      this.partialLength = 0;
      return from + end - before;
    }
    const fault = findLineFault(this.partial, before, this.partialLength);
    if (fault !== null) return this.refuse(fault);
    if (this.partialLength > this.limit) return this.refuse(tooLarge(this.partial, 0, this.limit));
    return INCOMPLETE;
  }

  private append(bytes: Buffer, from: number, to: number): void {
    const length = this.partialLength + to - from;
    if (length > this.partial.length) {
      const grown = Buffer.allocUnsafeSlow(
        Math.min(this.limit + 1, Math.max(1024, length, this.partial.length * 2)),
      );
      this.partial.copy(grown, 0, 0, this.partialLength);
      this.partial = grown;
    }
    bytes.copy(this.partial, this.partialLength, from, to);
    this.partialLength = length;
  }

  private refuse(error: ProtocolError): number {
    this.reset();
    this.error = error;
    return REFUSED;
  }
}

const NOTHING: Buffer = Buffer.alloc(0);

/**
 * The position after the first CRLF CRLF between `from` and `to`, or -1. Looks at every fourth byte only, as long as
 * that byte can't be part of the four.
 */
function findHeadEnd(bytes: Buffer, from: number, to: number): number {
  let i = from + 3;
  while (i < to) {
    const byte = bytes[i];
    if (byte === LF) {
      if (bytes[i - 1] === CR && bytes[i - 2] === LF && bytes[i - 3] === CR) return i + 1;
      i += 2;
    } else if (byte === CR) {
      i++;
    } else {
      i += 4;
    }
  }
  return -1;
}

/**
 * What is wrong with the lines of a head that is to be refused for something else. It would have been found first, had the head come in
 * pieces, so it is told first in any case.
 */
export function lineFault(bytes: Buffer, start: number, end: number): ProtocolError | null {
  return findLineFault(bytes.subarray(start, end), 0, end - start);
}

/** A bare CR or LF, or a NUL, in an unfinished head: found at once, so that nobody waits for an end that never comes. */
function findLineFault(bytes: Buffer, from: number, to: number): ProtocolError | null {
  for (let i = from; i < to; i++) {
    const byte = bytes[i];
    if (byte > CR) continue;
    if (byte === LF && (i === 0 || bytes[i - 1] !== CR)) return malformed('a line that ends without CR');
    if (byte === 0)
      return malformed(
        isTls(bytes) ? 'TLS in it, where only plain http:// is spoken' : 'a NUL byte in its head',
      );
    if (byte === CR && i + 1 < to && bytes[i + 1] !== LF) return malformed('a CR that no LF follows');
  }
  // A CR that ended the last piece has to be followed by the LF that begins this one.
  if (from > 0 && from < to && bytes[from - 1] === CR && bytes[from] !== LF)
    return malformed('a CR that no LF follows');
  return null;
}

/** Whether it begins as a handshake or an alert does (RFC 8446 section 5.1): the other side was told of https. */
function isTls(bytes: Buffer): boolean {
  return (bytes[0] === 0x16 || bytes[0] === 0x15) && bytes[1] === 3;
}

function tooLarge(bytes: Buffer, from: number, to: number): ProtocolError {
  const lineEnd = bytes.subarray(from, to).indexOf(LF);
  if (lineEnd < 0) return new ProtocolError(414, `a start line of more than ${to - from} bytes`);
  return new ProtocolError(431, `a head of more than ${to - from} bytes`);
}
