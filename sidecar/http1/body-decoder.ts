import type { Fields } from '../exchange/fields.ts';
import { type BodyReceiver, ChunkedDecoder } from './chunked-decoder.ts';
import { CHUNKED, type Framing, UNTIL_CLOSE } from './framing.ts';
import type { ProtocolError } from './protocol-error.ts';

/** Takes the framing off a message's body, whichever it has. One per connection, started anew for each message. */
export class BodyDecoder {
  isDone = true;
  private framing: Framing = 0;
  private remaining = 0;
  private chunked: ChunkedDecoder | null = null;
  private readonly headLimit: number;
  private readonly fieldLimit: number;

  /**
   * @param headLimit the largest trailer section in bytes
   * @param fieldLimit how many trailer fields there may be
   */
  constructor(headLimit: number, fieldLimit: number) {
    this.headLimit = headLimit;
    this.fieldLimit = fieldLimit;
  }

  /**
   * Begins the body of a message with this framing.
   * @param nominated what the message's `Connection` field names: trailers of these names are dropped (RFC 9110 section 7.6.1)
   */
  start(framing: Framing, nominated: ReadonlySet<string> | null = null): void {
    this.framing = framing;
    this.isDone = framing === 0;
    this.remaining = framing;
    if (framing !== CHUNKED) return;
    this.chunked ??= new ChunkedDecoder(this.headLimit, this.fieldLimit);
    this.chunked.start(nominated);
  }

  /** Why the bytes are no body; only the chunked coding can fail. */
  get error(): ProtocolError | null {
    return this.framing === CHUNKED && this.chunked !== null ? this.chunked.error : null;
  }

  /** The trailer fields once done, or null where there are none. */
  get trailers(): Fields | null {
    return this.framing === CHUNKED && this.chunked !== null ? this.chunked.trailers : null;
  }

  /**
   * Takes the bytes from `from` to `to`; stops behind the body's last byte.
   * @returns the position up to which bytes were taken
   */
  feed(bytes: Buffer, from: number, to: number, receiver: BodyReceiver): number {
    if (this.framing > 0) {
      const end = Math.min(to, from + this.remaining);
      this.remaining -= end - from;
      this.isDone = this.remaining === 0;
      if (end > from) receiver.onBody(bytes.subarray(from, end));
      return end;
    }
    if (this.framing === CHUNKED && this.chunked !== null) {
      const end = this.chunked.feed(bytes, from, to, receiver);
      this.isDone = this.chunked.isDone;
      return end;
    }
    if (this.framing !== UNTIL_CLOSE) return from;
    if (to > from) receiver.onBody(bytes.subarray(from, to));
    return to;
  }

  /** The connection has ended. @returns whether that is this body's proper end */
  endOfStream(): boolean {
    if (this.framing === UNTIL_CLOSE) this.isDone = true;
    return this.isDone;
  }
}
