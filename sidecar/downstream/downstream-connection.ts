import type { Exchange } from '../exchange/exchange.ts';
import { badRequest, type Failure, failure } from '../exchange/failure.ts';
import type { Fields } from '../exchange/fields.ts';
import { type Call, ENDED_CALL, type Reply, type ResponseHead } from '../exchange/service.ts';
import type { TunnelPeer } from '../exchange/tunnel.ts';
import { BodyDecoder } from '../http1/body-decoder.ts';
import type { BodyReceiver } from '../http1/chunked-decoder.ts';
import { hasNoBody } from '../http1/framing.ts';
import { HeadReader, INCOMPLETE, REFUSED } from '../http1/head-reader.ts';
import { ProtocolError } from '../http1/protocol-error.ts';
import { type ParsedRequest, parseRequestHead } from '../http1/request-head.ts';
import { type ByteSocket, LONG_BODY, type SocketOwner } from '../io/byte-socket.ts';
import { ConnectionDeadlines, type DeadlineOwner, type Wait } from './connection-deadlines.ts';
import type { DownstreamContext, OpenConnection } from './downstream-context.ts';
import { Intake } from './intake.ts';
import { mayKeepAlive } from './keep-alive.ts';
import { answerHere } from './last-hop.ts';
import { openExchange } from './open-exchange.ts';
import { type OwnAnswer, problemOf } from './problem.ts';
import { ResponseWriter } from './response-writer.ts';

type State = 'open' | 'tunnel' | 'lingering' | 'closed';

/** How long a connection is still read from after its last answer, so that a reset does not overtake that answer. */
const LINGER_MS = 1_000;

/**
 * One connection of an application: reads requests, one exchange at a time, and writes the answers in order. What of
 * further requests arrives meanwhile is held, up to a bound.
 */
export class DownstreamConnection
  implements OpenConnection, Reply, TunnelPeer, BodyReceiver, SocketOwner, DeadlineOwner
{
  private readonly context: DownstreamContext;
  private readonly socket: ByteSocket;
  /** The port it came in on. */
  private readonly port: number;
  private readonly headReader: HeadReader;
  private readonly decoder: BodyDecoder;
  private readonly writer: ResponseWriter;
  private readonly intake: Intake;
  private readonly deadlines: ConnectionDeadlines;
  private state: State = 'open';
  private request: ParsedRequest | null = null;
  private exchange: Exchange | null = null;
  private call: Call = ENDED_CALL;
  private isConsuming = false;
  private hasEnded = false;

  constructor(socket: ByteSocket, port: number, context: DownstreamContext) {
    const { limits, wheel } = context;
    this.context = context;
    this.socket = socket;
    this.port = port;
    this.headReader = new HeadReader(limits.headSize);
    this.decoder = new BodyDecoder(limits.headSize, limits.headFields);
    this.writer = new ResponseWriter(this.socket);
    this.intake = new Intake(this.socket);
    this.deadlines = new ConnectionDeadlines(this, wheel, limits.idleTimeout);
    context.counters.connectionsOpen++;
    context.counters.connectionsTotal++;
    socket.open(this);
  }

  get isBusy(): boolean {
    return this.exchange !== null;
  }

  cut(reason: Failure): void {
    if (this.call === ENDED_CALL) this.linger();
    else this.call.cancel(reason);
  }

  destroy(): void {
    this.socket.destroy();
    this.onLost();
  }

  onRead(length: number, bytes: Buffer): void {
    if (this.state === 'open') this.consume(bytes, 0, length);
    else if (this.state === 'tunnel') this.exchange?.tunnel?.body.push(bytes.subarray(0, length));
  }

  private consume(bytes: Buffer, from: number, to: number): void {
    this.isConsuming = true;
    let position = from;
    while (position < to && this.state === 'open') {
      if (this.exchange === null && !this.socket.isBlocked) {
        position = this.readHead(bytes, position, to);
      } else if (this.exchange !== null && !this.decoder.isDone) {
        position = this.readBody(this.exchange, bytes, position, to);
      } else {
        this.intake.hold(bytes, position, to, this.context.limits.pipelined);
        break;
      }
    }
    this.isConsuming = false;
  }

  private readHead(bytes: Buffer, from: number, to: number): number {
    const { headReader } = this;
    const position = headReader.feed(bytes, from, to);
    if (position === INCOMPLETE) {
      if (headReader.hasBegun) this.deadlines.begin('rest-of-head', this.context.limits.headTimeout);
      return to;
    }
    if (position === REFUSED) {
      this.refuse(headReader.error ?? new ProtocolError(400, 'a malformed head'));
      return to;
    }
    this.deadlines.used();
    const { bytes: head, start, end } = headReader;
    const parsed = parseRequestHead(head, start, end, this.context.limits.headFields);
    headReader.reset();
    if (parsed instanceof ProtocolError) {
      this.refuse(parsed);
      return to;
    }
    return this.begin(parsed, bytes, position, to);
  }

  private begin(request: ParsedRequest, bytes: Buffer, from: number, to: number): number {
    const { context } = this;
    const { head, framing } = request;
    this.request = request;
    this.writer.reset();
    this.decoder.start(framing, request.nominated);
    if (framing > context.limits.requestBody) {
      this.refuse(new ProtocolError(413, `a body of more than ${context.limits.requestBody} bytes`));
      return to;
    }
    if (framing >= LONG_BODY) this.socket.readApart();
    const exchange = openExchange(request, this, context.keepForReplay, context.wheel.now());
    this.exchange = exchange;
    if (request.maxForwards === 0) {
      this.answer(answerHere(request, context.date.now()));
      return from;
    }
    // What came with the head goes on with it, in one write.
    let position = from;
    if (exchange.body !== null) {
      position = this.readBody(exchange, bytes, from, to);
      if (this.exchange !== exchange) return position;
    }
    const call = context.router.route(head, request.form, this.port).call(exchange, this);
    // It may be over already.
    if (this.exchange === exchange) this.call = call;
    return position;
  }

  private readBody(exchange: Exchange, bytes: Buffer, from: number, to: number): number {
    const { decoder } = this;
    const position = decoder.feed(bytes, from, to, this);
    if (this.exchange !== exchange) return to;
    if (decoder.error !== null) {
      this.refuse(decoder.error);
      return to;
    }
    if (decoder.isDone && exchange.body !== null) {
      exchange.body.completedAt = this.context.wheel.coarseNow;
      this.socket.readShared(this.intake.isBodyPaused);
      exchange.body.finish(decoder.trailers);
    }
    return position;
  }

  onBody(chunk: Buffer): void {
    const body = this.exchange?.body ?? null;
    if (body === null) return;
    const { requestBody } = this.context.limits;
    if (body.receivedBytes + chunk.length > requestBody) {
      return this.refuse(new ProtocolError(413, `a body of more than ${requestBody} bytes`));
    }
    body.push(chunk);
  }

  /** Answers a request that is none, and closes: nobody can tell where the next one would begin. */
  private refuse(error: ProtocolError): void {
    const reason = badRequest(error.status, `The request has ${error.detail}.`);
    this.context.onRefused(reason);
    // It is the body that went wrong, after its head was sent on.
    if (this.call !== ENDED_CALL) return this.call.cancel(reason);
    this.exchange = null;
    if (this.writer.isStarted) return this.destroy();
    this.writer.own(problemOf(reason, this.context.date.now()), this.request, false);
    this.linger();
  }

  pauseBody(): void {
    this.intake.pauseBody();
  }

  resumeBody(): void {
    this.intake.resumeBody();
  }

  informational(head: ResponseHead): void {
    // HTTP/1.0 does not know interim answers (RFC 9110 section 15.2).
    if (this.request !== null && this.request.minorVersion > 0)
      this.writer.informational(head, this.context.via);
  }

  head(head: ResponseHead): void {
    const { request, exchange } = this;
    if (request === null || exchange === null) return;
    // From here on, writing tells a hang-up from a half-close.
    if (this.hasEnded) this.deadlines.used();
    const keepAlive = mayKeepAlive(request, exchange, this.context);
    const hasBody = !hasNoBody(head.status, request.head.method);
    this.writer.head(head, request.minorVersion, hasBody, keepAlive, this.context.via);
    if (head.tunnel) this.beginTunnel(exchange);
  }

  data(chunk: Buffer): void {
    if (this.state === 'tunnel') this.socket.writeTogether('', chunk, '');
    else this.writer.data(chunk);
    this.checkBlocked();
  }

  flush(): void {
    this.writer.flush();
    this.checkBlocked();
  }

  end(trailers: Fields | null): void {
    if (this.state === 'closed') return this.forgetExchange();
    if (this.state === 'tunnel') {
      this.forgetExchange();
      this.leaveTunnel();
      return this.linger();
    }
    this.writer.end(trailers);
    this.finish();
  }

  fail(reason: Failure): void {
    if (this.state !== 'closed' && this.writer.isStarted) return this.breakOff();
    if (this.state === 'closed' || reason.kind === 'client-gone') {
      this.forgetExchange();
      return this.destroy();
    }
    this.answer(problemOf(reason, this.context.date.now()), reason.kind !== 'bad-request');
  }

  private answer(answer: OwnAnswer, keepAlive = true): void {
    const mayKeep =
      keepAlive && this.decoder.isDone && mayKeepAlive(this.request, this.exchange, this.context);
    this.writer.own(answer, this.request, mayKeep);
    this.finish();
  }

  /** The answer can't be completed: the connection is closed in a way that shows it, and at once where nobody reads. */
  private breakOff(): void {
    const endsWithConnection = this.writer.endsWithConnection;
    this.writer.flush();
    this.forgetExchange();
    if (endsWithConnection || this.socket.isBlocked) this.socket.reset();
    else this.socket.destroySoon();
    this.onLost();
  }

  private finish(): void {
    this.forgetExchange();
    if (!this.writer.keepAlive || !this.decoder.isDone) return this.linger();
    this.deadlines.used();
    if (this.isConsuming) this.intake.resume();
    else this.consumeHeld();
    if (!this.hasEnded || this.isConsuming || this.state !== 'open') return;
    if (this.exchange === null && !this.intake.isHolding) this.linger();
    else this.deadlines.begin('answer-after-half-close', this.context.limits.halfClose);
  }

  /** Goes on with what came while the last exchange was under way. */
  private consumeHeld(): void {
    // An application that does not read its answers is given no further ones: they would pile up here.
    if (this.socket.isBlocked) return;
    const held = this.intake.take();
    this.intake.resume();
    if (held !== null) this.consume(held, 0, held.length);
  }

  private forgetExchange(): void {
    this.exchange = null;
    this.request = null;
    this.call = ENDED_CALL;
    this.writer.reset();
  }

  private beginTunnel(exchange: Exchange): void {
    this.state = 'tunnel';
    this.context.counters.tunnelsOpen++;
    this.deadlines.stop();
    this.socket.keepAlive();
    this.writer.flush();
    const held = this.intake.take();
    this.intake.resume();
    if (held !== null) exchange.tunnel?.body.push(held);
    if (this.hasEnded) exchange.tunnel?.body.finish(null);
  }

  private leaveTunnel(): void {
    if (this.state !== 'tunnel') return;
    this.state = 'open';
    this.context.counters.tunnelsOpen--;
  }

  upstreamEnded(): void {
    this.socket.end();
  }

  private checkBlocked(): void {
    if (!this.socket.isBlocked) return;
    // Each time: it may be another call's bytes that the last answer still stands in front of.
    this.call.pause();
  }

  // The socket.

  onDrain(): void {
    if (this.state === 'lingering') return this.endSide();
    this.call.resume();
    if (this.state === 'open' && this.exchange === null && this.intake.isHolding) this.consumeHeld();
  }

  /**
   * The application sends no more. That may be a half-close, or the first sign of a hang-up: which of the two shows
   * only when we write. An answer that comes soon is still delivered.
   */
  onEnd(): void {
    this.hasEnded = true;
    const { exchange, context } = this;
    if (this.state === 'tunnel') exchange?.tunnel?.body.finish(null);
    else if (this.state === 'lingering' && !this.socket.isBlocked) this.destroy();
    else if (exchange === null && !this.intake.isHolding) this.linger();
    else if (exchange !== null && !this.decoder.isDone)
      this.hangUp('The application closed its connection in the middle of its request.');
    else {
      context.counters.halfClosed++;
      this.deadlines.begin('answer-after-half-close', context.limits.halfClose);
    }
  }

  onLost(): void {
    if (this.state === 'closed') return;
    this.leaveTunnel();
    this.state = 'closed';
    this.intake.take();
    this.deadlines.stop();
    this.context.counters.connectionsOpen--;
    this.context.onClosed(this);
    if (this.exchange !== null)
      this.hangUp('The application closed its connection before the answer was complete.');
  }

  private hangUp(detail: string): void {
    this.context.counters.clientGone++;
    if (this.call === ENDED_CALL) this.destroy();
    else this.call.cancel(failure('client-gone', detail));
  }

  /** No further answer: what waits to be read goes out first, however slow the application is to read it. */
  private linger(): void {
    if (this.state === 'closed' || this.state === 'lingering') return;
    this.state = 'lingering';
    this.intake.take();
    this.intake.resume();
    if (this.socket.isBlocked) this.deadlines.begin('last-answer', this.context.limits.idleTimeout);
    else this.endSide();
  }

  /** Ends our side and waits a little for the other to read it. */
  private endSide(): void {
    if (this.hasEnded) {
      this.socket.destroySoon();
      return this.onLost();
    }
    this.socket.end();
    this.deadlines.begin('close', LINGER_MS);
  }

  onDeadline(wait: Wait): void {
    const { limits, counters } = this.context;
    switch (wait) {
      case 'last-answer':
      case 'close':
        // Given up in the middle of an answer, which has to show.
        if (this.socket.isBlocked) this.socket.reset();
        return this.destroy();
      case 'rest-of-head':
        counters.timedOut++;
        return this.refuse(
          new ProtocolError(408, `a head that was not complete within ${limits.headTimeout} ms`),
        );
      case 'answer-after-half-close':
        return this.hangUp('The application closed its connection before the answer began.');
      case 'use':
        counters.timedOut++;
        return this.linger();
    }
  }
}
