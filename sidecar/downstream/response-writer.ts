import { UNKNOWN_LENGTH } from '../exchange/body-length.ts';
import type { Fields } from '../exchange/fields.ts';
import type { ResponseHead } from '../exchange/service.ts';
import { CHUNKED, type Framing, UNTIL_CLOSE } from '../http1/framing.ts';
import type { ParsedRequest } from '../http1/request-head.ts';
import { chunkedEnd, chunkStart, responseHeadText } from '../http1/serialize.ts';
import type { ByteSocket } from '../io/byte-socket.ts';
import { TEXT_LIMIT } from '../io/shared-buffers.ts';
import type { OwnAnswer } from './problem.ts';

/** Pieces of a chunked answer up to this length wait for what comes with them, so that with its end it is one write. */
const CORK_LIMIT = 16 * 1024;

/** Writes answers to the application's connection, one after another, with as few system calls as may be. */
export class ResponseWriter {
  /** Whether the head of the current answer has been written, or waits to be. */
  isStarted = false;
  /** Whether the connection can stay open after the current answer. */
  keepAlive = false;
  private readonly socket: ByteSocket;
  private framing: Framing = 0;
  private out = '';

  constructor(socket: ByteSocket) {
    this.socket = socket;
  }

  /** The answer ends with the connection: its end must not look proper when it is not. */
  get endsWithConnection(): boolean {
    return this.framing === UNTIL_CLOSE;
  }

  /** Forgets the last answer. */
  reset(): void {
    this.isStarted = false;
    this.out = '';
  }

  informational(head: ResponseHead, via: string): void {
    this.socket.write(responseHeadText(head, 0, '', via));
  }

  /**
   * Begins an answer.
   * @param minorVersion of the request: HTTP/1.0 does not know the chunked coding
   * @param hasBody false where the answer ends with its head whatever it says, as for HEAD
   * @param keepAlive whether the connection should stay open
   */
  head(head: ResponseHead, minorVersion: number, hasBody: boolean, keepAlive: boolean, via: string): void {
    this.isStarted = true;
    this.framing = framingOf(head, minorVersion, hasBody);
    this.keepAlive = keepAlive && this.framing !== UNTIL_CLOSE;
    this.out = responseHeadText(head, this.framing, connectionField(head, minorVersion, this.keepAlive), via);
    if (head.tunnel) this.framing = UNTIL_CLOSE;
  }

  /**
   * Writes an answer of the sidecar's own, whole: one that came by nobody, so without `Via`.
   * @param request what it answers, or null where that could not be read
   */
  own(answer: OwnAnswer, request: ParsedRequest | null, keepAlive: boolean): void {
    const hasBody = request?.head.method !== 'HEAD';
    this.head(answer.head, request?.minorVersion ?? 1, hasBody, keepAlive, '');
    if (hasBody) this.data(answer.body);
    this.end(null);
  }

  data(chunk: Buffer): void {
    const isChunked = this.framing === CHUNKED;
    const before = isChunked ? this.out + chunkStart(chunk.length) : this.out;
    const after = isChunked ? '\r\n' : '';
    if (before.length + chunk.length <= (isChunked ? CORK_LIMIT : TEXT_LIMIT)) {
      this.out = before + chunk.toString('latin1') + after;
      return;
    }
    this.out = '';
    this.socket.writeTogether(before, chunk, after);
  }

  end(trailers: Fields | null): void {
    if (this.framing === CHUNKED) this.out += chunkedEnd(trailers);
    const text = this.out;
    this.out = '';
    if (text !== '') this.socket.writeSoon(text);
  }

  /** Writes what waits. */
  flush(): void {
    if (this.out === '') return;
    const text = this.out;
    this.out = '';
    this.socket.write(text);
  }
}

function framingOf(head: ResponseHead, minorVersion: number, hasBody: boolean): Framing {
  if (!hasBody || head.tunnel) return 0;
  if (head.bodyLength !== UNKNOWN_LENGTH) return head.bodyLength;
  return minorVersion === 0 ? UNTIL_CLOSE : CHUNKED;
}

function connectionField(head: ResponseHead, minorVersion: number, keepAlive: boolean): string {
  if (head.status === 101) return 'upgrade';
  if (head.tunnel) return '';
  const upgrade = head.upgrade === null ? '' : 'upgrade';
  if (keepAlive) return minorVersion === 0 ? 'keep-alive' : upgrade;
  return upgrade === '' ? 'close' : 'upgrade, close';
}
