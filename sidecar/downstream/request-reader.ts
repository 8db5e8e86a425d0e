import type { Fields } from '../exchange/fields.ts';
import { BodyDecoder } from '../http1/body-decoder.ts';
import type { BodyReceiver } from '../http1/chunked-decoder.ts';
import { HeadReader, INCOMPLETE, lineFault, REFUSED } from '../http1/head-reader.ts';
import { ProtocolError } from '../http1/protocol-error.ts';
import { type ParsedRequest, parseRequestHead } from '../http1/request-head.ts';
import { type ByteSocket, LONG_BODY } from '../io/byte-socket.ts';
import type { DownstreamContext } from './downstream-context.ts';
import { Intake } from './intake.ts';

/** Told what an application sends, one request at a time. */
export interface RequestListener {
  /** A head has begun, and its rest has not arrived. */
  onPartialHead(): void;
  /** A request begins. It may be ended before this returns. */
  onHead(request: ParsedRequest): void;
  /** A piece of the body, valid during the call only. */
  onBody(chunk: Buffer): void;
  onBodyEnd(trailers: Fields | null): void;
  /** What came together with the head has been told: the request can be sent on. */
  onRequest(request: ParsedRequest): void;
  /** What came is no request, or no body: nobody can tell where the next one would begin. */
  onMalformed(error: ProtocolError): void;
}

/**
 * Where a connection stands: before or in a head, in a body, behind a request that has not been answered (what comes of further
 * ones is held), or at its end: whatever comes is ignored.
 */
type State = 'head' | 'body' | 'complete' | 'stopped';

/** Reads the requests of one connection. The next one begins only when {@link next} was called for the last one. */
export class RequestReader implements BodyReceiver {
  /** Bytes are being read right now: what is held behind them has its turn afterwards. */
  isReading = false;
  private readonly socket: ByteSocket;
  private readonly context: DownstreamContext;
  private readonly listener: RequestListener;
  private readonly headReader: HeadReader;
  private readonly decoder: BodyDecoder;
  private readonly intake: Intake;
  private state: State = 'head';
  private request: ParsedRequest | null = null;
  private bodyBytes = 0;

  constructor(socket: ByteSocket, context: DownstreamContext, listener: RequestListener) {
    const { headSize, headFields } = context.limits;
    this.socket = socket;
    this.context = context;
    this.listener = listener;
    this.headReader = new HeadReader(headSize);
    this.decoder = new BodyDecoder(headSize, headFields);
    this.intake = new Intake(socket, context.wheel);
  }

  /** Whether the current request has been read to its end. */
  get isComplete(): boolean {
    return this.state === 'complete';
  }

  /** Whether anything of further requests is held. */
  get isHolding(): boolean {
    return this.intake.isHolding;
  }

  /** Takes the bytes from `from` to `to`; what can't be told yet is held. */
  read(bytes: Buffer, from: number, to: number): void {
    this.isReading = true;
    let position = from;
    while (position < to && this.state !== 'stopped') {
      // An application that does not read its answers is given no further ones: they would pile up here.
      if (this.state === 'head' && !this.socket.isBlocked) {
        position = this.readHead(bytes, position, to);
      } else if (this.state === 'body' && this.request !== null) {
        position = this.readBody(this.request, bytes, position, to);
      } else {
        this.intake.hold(bytes, position, to, this.context.limits.pipelined);
        break;
      }
    }
    this.isReading = false;
  }

  /** The current request has been answered: the next one may begin. */
  next(): void {
    this.request = null;
    this.state = 'head';
    this.headReader.limit = this.context.limits.headSize;
    if (this.isReading) this.intake.resume();
    else this.goOn();
  }

  /** The application reads again: goes on with what was held. */
  goOn(): void {
    if (this.state !== 'head' || this.socket.isBlocked) return;
    const held = this.intake.take();
    this.intake.resume();
    if (held !== null) this.read(held, 0, held.length);
  }

  /** No further request is read. @returns what was held of them, or null */
  stop(): Buffer | null {
    this.state = 'stopped';
    this.request = null;
    const held = this.intake.take();
    this.intake.resume();
    return held;
  }

  pauseBody(): void {
    this.intake.pauseBody();
  }

  resumeBody(): void {
    this.intake.resumeBody();
  }

  onBody(chunk: Buffer): void {
    // What comes behind a fault in the same read.
    if (this.request === null) return;
    const { requestBody } = this.context.limits;
    this.bodyBytes += chunk.length;
    if (this.bodyBytes > requestBody) this.refuse(tooLong(requestBody));
    else this.listener.onBody(chunk);
  }

  /** Nothing more is read: nobody can tell where the next request would begin. */
  private refuse(error: ProtocolError): void {
    this.state = 'stopped';
    this.request = null;
    this.listener.onMalformed(error);
  }

  private readHead(bytes: Buffer, from: number, to: number): number {
    const { headReader, listener } = this;
    const position = headReader.feed(bytes, from, to);
    if (position === INCOMPLETE) {
      if (headReader.hasBegun) listener.onPartialHead();
      return to;
    }
    if (position === REFUSED) {
      this.refuse(headReader.error ?? new ProtocolError(400, 'a malformed head'));
      return to;
    }
    const { bytes: head, start, end } = headReader;
    const request = parseRequestHead(head, start, end, this.context.limits.headFields);
    headReader.reset();
    if (request instanceof ProtocolError) {
      this.refuse(lineFault(head, start, end) ?? request);
      return to;
    }
    return this.begin(request, bytes, position, to);
  }

  private begin(request: ParsedRequest, bytes: Buffer, from: number, to: number): number {
    const { framing } = request;
    this.request = request;
    this.decoder.start(framing, request.nominated);
    this.state = framing === 0 ? 'complete' : 'body';
    this.bodyBytes = 0;
    this.listener.onHead(request);
    if (this.request !== request) return from;
    const { requestBody } = this.context.limits;
    if (framing > requestBody) {
      this.refuse(tooLong(requestBody));
      return to;
    }
    if (framing >= LONG_BODY) this.socket.readApart();
    // What came with the head goes on with it, in one write.
    const position = framing === 0 ? from : this.readBody(request, bytes, from, to);
    if (this.request === request) this.listener.onRequest(request);
    return position;
  }

  private readBody(request: ParsedRequest, bytes: Buffer, from: number, to: number): number {
    const { decoder } = this;
    const position = decoder.feed(bytes, from, to, this);
    if (this.request !== request) return to;
    if (decoder.error !== null) {
      this.refuse(decoder.error);
      return to;
    }
    if (decoder.isDone) {
      this.state = 'complete';
      this.socket.readShared();
      this.listener.onBodyEnd(decoder.trailers);
    }
    return position;
  }
}

function tooLong(requestBody: number): ProtocolError {
  return new ProtocolError(413, `a body of more than ${requestBody} bytes`);
}
