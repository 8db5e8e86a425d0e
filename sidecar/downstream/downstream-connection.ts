import type { Exchange } from '../exchange/exchange.ts';
import { badRequest, type Failure, failure } from '../exchange/failure.ts';
import type { Fields } from '../exchange/fields.ts';
import { type Call, ENDED_CALL, type Reply, type ResponseHead } from '../exchange/service.ts';
import type { TunnelPeer } from '../exchange/tunnel.ts';
import { hasNoBody } from '../http1/framing.ts';
import { ProtocolError } from '../http1/protocol-error.ts';
import type { ParsedRequest } from '../http1/request-head.ts';
import type { ByteSocket, SocketOwner } from '../io/byte-socket.ts';
import { ConnectionDeadlines, type DeadlineOwner, type Wait } from './connection-deadlines.ts';
import type { DownstreamContext, OpenConnection } from './downstream-context.ts';
import { mayKeepAlive } from './keep-alive.ts';
import { answerHere } from './last-hop.ts';
import { openExchange } from './open-exchange.ts';
import { type OwnAnswer, problemOf } from './problem.ts';
import { type RequestListener, RequestReader } from './request-reader.ts';
import { ResponseWriter } from './response-writer.ts';

type State = 'open' | 'tunnel' | 'lingering' | 'closed';

/** How long a connection is still read from after its last answer, so that a reset does not overtake that answer. */
const LINGER_MS = 1_000;

/**
 * One connection of an application: carries one exchange at a time, and writes the answers in order. What comes in is read by a
 * {@link RequestReader}.
 */
export class DownstreamConnection
  implements OpenConnection, Reply, TunnelPeer, RequestListener, SocketOwner, DeadlineOwner
{
  private readonly context: DownstreamContext;
  private readonly socket: ByteSocket;
  /** The port it came in on. */
  private readonly port: number;
  private readonly reader: RequestReader;
  private readonly writer: ResponseWriter;
  private readonly deadlines: ConnectionDeadlines;
  private state: State = 'open';
  private request: ParsedRequest | null = null;
  private exchange: Exchange | null = null;
  private call: Call = ENDED_CALL;
  private hasEnded = false;

  constructor(socket: ByteSocket, port: number, context: DownstreamContext) {
    this.context = context;
    this.socket = socket;
    this.port = port;
    this.reader = new RequestReader(socket, context, this);
    this.writer = new ResponseWriter(socket);
    this.deadlines = new ConnectionDeadlines(this, context.wheel, context);
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
    if (this.state === 'tunnel') this.exchange?.tunnel?.body.push(bytes.subarray(0, length));
    else this.reader.read(bytes, 0, length);
  }

  // What the application sends.

  onPartialHead(): void {
    this.deadlines.begin('rest-of-head', this.context.limits.headTimeout);
  }

  onHead(request: ParsedRequest): void {
    const { context } = this;
    this.deadlines.used();
    this.request = request;
    this.writer.reset();
    this.exchange = openExchange(request, this, context.keepForReplay, context.wheel.now());
    if (request.maxForwards === 0) this.answer(answerHere(request, context.date.now()));
  }

  onBody(chunk: Buffer): void {
    this.exchange?.body?.push(chunk);
  }

  onBodyEnd(trailers: Fields | null): void {
    const body = this.exchange?.body ?? null;
    if (body === null) return;
    body.completedAt = this.context.wheel.coarseNow;
    body.finish(trailers);
  }

  onRequest({ head, form }: ParsedRequest): void {
    const { exchange } = this;
    if (exchange === null) return;
    const call = this.context.router.route(head, form, this.port).call(exchange, this);
    // It may be over already.
    if (this.exchange === exchange) this.call = call;
  }

  onMalformed(error: ProtocolError): void {
    this.refuse(error);
  }

  /** Answers a request that is none, and closes: nobody can tell where the next one would begin. */
  private refuse(error: ProtocolError): void {
    const reason = badRequest(error.status, `The request has ${error.detail}.`);
    // It is the body that went wrong, after its head was sent on: counted and logged with its exchange.
    if (this.call !== ENDED_CALL) return this.call.cancel(reason);
    this.context.onRefused(reason);
    this.dropExchange();
    if (this.writer.isStarted) return this.destroy();
    this.writer.own(problemOf(reason, this.context.date.now()), this.request, false);
    this.linger();
  }

  pauseBody(): void {
    this.reader.pauseBody();
  }

  resumeBody(): void {
    this.reader.resumeBody();
  }

  informational(head: ResponseHead): void {
    // HTTP/1.0 does not know interim answers (RFC 9110 section 15.2).
    if (this.request !== null && this.request.minorVersion > 0)
      this.writer.informational(head, this.context.via);
  }

  head(head: ResponseHead): void {
    const { request, exchange } = this;
    if (request === null || exchange === null) return;
    if (this.hasEnded) this.deadlines.used();
    exchange.body?.release();
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
    if (this.state === 'closed' || reason.status === 0) {
      this.forgetExchange();
      if (reason.kind === 'fault-injected') this.socket.reset();
      return this.destroy();
    }
    this.answer(problemOf(reason, this.context.date.now()), reason.kind !== 'bad-request');
  }

  private answer(answer: OwnAnswer, keepAlive = true): void {
    const mayKeep =
      keepAlive && this.reader.isComplete && mayKeepAlive(this.request, this.exchange, this.context);
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
    if (!this.writer.keepAlive || !this.reader.isComplete) return this.linger();
    this.deadlines.used();
    this.reader.next();
    this.awaitLast();
  }

  /** What a connection waits for on which no further request will come. */
  private awaitLast(): void {
    const { limits } = this.context;
    if (!this.hasEnded || this.reader.isReading || this.state !== 'open') return;
    if (this.exchange === null && !this.reader.isHolding) return this.linger();
    // Once an answer has begun, writing it tells a hang-up from a half-close.
    if (this.exchange === null) this.deadlines.begin('last-answer', limits.idleTimeout);
    else if (!this.writer.isStarted) this.deadlines.begin('answer-after-half-close', limits.halfClose);
  }

  private forgetExchange(): void {
    this.dropExchange();
    this.request = null;
    this.call = ENDED_CALL;
    this.writer.reset();
  }

  /** Nobody sends its body any more: the memory in which that was kept serves for others. */
  private dropExchange(): void {
    this.exchange?.body?.release();
    this.exchange?.tunnel?.body.release();
    this.exchange = null;
  }

  private beginTunnel(exchange: Exchange): void {
    this.state = 'tunnel';
    this.context.counters.tunnelsOpen++;
    this.deadlines.stop();
    this.socket.keepAlive();
    this.writer.flush();
    const held = this.reader.stop();
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
    if (this.exchange !== null || !this.reader.isHolding) return;
    this.reader.goOn();
    this.awaitLast();
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
    else if (exchange !== null && this.state === 'open' && !this.reader.isComplete)
      this.hangUp('The application closed its connection in the middle of its request.');
    else {
      if (exchange !== null || this.reader.isHolding) context.counters.halfClosed++;
      this.awaitLast();
    }
  }

  onLost(): void {
    if (this.state === 'closed') return;
    this.leaveTunnel();
    this.state = 'closed';
    this.reader.stop();
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
    this.reader.stop();
    this.socket.flush();
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
