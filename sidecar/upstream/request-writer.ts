import { UNKNOWN_LENGTH } from '../exchange/body-length.ts';
import type { Exchange } from '../exchange/exchange.ts';
import type { Fields } from '../exchange/fields.ts';
import { CHUNKED, type Framing, UNTIL_CLOSE } from '../http1/framing.ts';
import { chunkedEnd, chunkStart, requestHeadText } from '../http1/serialize.ts';
import type { ByteSocket } from '../io/byte-socket.ts';

/** Bytes from which on a piece of a body is not made text to go out with the head: measured to save 4 % of a 4 KiB POST. */
const LONG_PIECE = 1024;

/** Writes requests to an endpoint's connection, one after another, each with as few system calls as may be. */
export class RequestWriter {
  /** Whether the current request is written whole. */
  isComplete = true;
  private readonly socket: ByteSocket;
  private framing: Framing = 0;
  /** Text that is to go out with what comes next. */
  private out = '';
  private isCorked = false;
  /** Writes of the socket before the current request. */
  private writesBefore = 0;

  constructor(socket: ByteSocket) {
    this.socket = socket;
  }

  /**
   * Whether the kernel took nothing of the current request: it was not written yet, or its very first write was refused, since the
   * peer's reset had arrived before.
   */
  get hasReachedNobody(): boolean {
    return this.socket.writes === this.writesBefore;
  }

  /**
   * Begins a request; without a body, it is written at the end of the turn. With one, what follows in this turn waits for {@link uncork}.
   * @param via the pseudonym in the Via field to add, or '' for none
   * @param now monotonic ms, which may be a little old
   */
  begin(exchange: Exchange, via: string, now: number): void {
    const { head, body } = exchange;
    this.isComplete = body === null;
    this.writesBefore = this.socket.writes;
    this.framing = body === null ? 0 : body.length === UNKNOWN_LENGTH ? CHUNKED : body.length;
    const { tellsGrpcTimeout } = exchange;
    const text = requestHeadText(head, this.framing, via, exchange.toldTimeLeft(now), tellsGrpcTimeout);
    if (body === null) return this.socket.writeSoon(text);
    this.out = text;
    this.isCorked = true;
  }

  /** What is written from now on is bytes between the two ends of a tunnel. */
  beginTunnel(): void {
    this.isComplete = false;
    this.framing = UNTIL_CLOSE;
    this.isCorked = true;
  }

  /** Writes what has waited. */
  uncork(): void {
    this.isCorked = false;
    this.flush();
  }

  data(chunk: Buffer): void {
    const isChunked = this.framing === CHUNKED;
    if (this.isCorked && (isChunked || chunk.length < LONG_PIECE)) {
      const text = chunk.toString('latin1');
      this.out += isChunked ? `${chunkStart(text.length)}${text}\r\n` : text;
      return;
    }
    const before = isChunked ? this.out + chunkStart(chunk.length) : this.out;
    this.out = '';
    this.socket.writeTogether(before, chunk, isChunked ? '\r\n' : '');
  }

  end(trailers: Fields | null): void {
    this.isComplete = true;
    if (this.framing === CHUNKED) this.out += chunkedEnd(trailers);
    if (!this.isCorked) this.flush();
  }

  /** Forgets what waits: the request has ended otherwise. */
  drop(): void {
    this.out = '';
    this.socket.takeBack();
  }

  private flush(): void {
    if (this.out === '') return;
    const text = this.out;
    this.out = '';
    this.socket.write(text);
  }
}
