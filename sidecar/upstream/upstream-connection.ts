import type { Exchange } from '../exchange/exchange.ts';
import { type Failure, failure } from '../exchange/failure.ts';
import { type Fields, NO_FIELDS } from '../exchange/fields.ts';
import type { BodySink } from '../exchange/request-body.ts';
import type { ResponseHead } from '../exchange/service.ts';
import { BodyDecoder } from '../http1/body-decoder.ts';
import type { BodyReceiver } from '../http1/chunked-decoder.ts';
import { CHUNKED } from '../http1/framing.ts';
import { HeadReader, INCOMPLETE, REFUSED } from '../http1/head-reader.ts';
import { isOffered } from '../http1/offered-protocol.ts';
import { ProtocolError } from '../http1/protocol-error.ts';
import { parseResponseHead } from '../http1/response-head.ts';
import { type ByteSocket, LONG_BODY, type SocketOwner } from '../io/byte-socket.ts';
import type { HttpDate } from '../io/http-date.ts';
import type { TimerWheel } from '../io/timer-wheel.ts';
import type { Attempt, Carrier } from './attempt.ts';
import type { Endpoint } from './endpoint.ts';
import { HeldAnswer } from './held-answer.ts';
import { RequestWriter } from './request-writer.ts';
import type { Resting } from './rest.ts';
import { silence } from './silence.ts';
import { subject } from './subject.ts';

/** What all connections to endpoints share. */
export interface ConnectionContext {
  readonly wheel: TimerWheel;
  readonly date: HttpDate;
  /** The largest head of an answer in bytes, and the most fields in it. */
  readonly headSize: number;
  readonly headFields: number;
  /** The pseudonym in the Via field to add, or '' for none. */
  readonly via: string;
}

/** Whoever keeps the connection while it carries nothing. */
export interface ConnectionOwner {
  /** The upstream that the endpoint is one of. */
  readonly name: string;
  /** The answer is complete and the connection can carry another request. */
  onFree(connection: UpstreamConnection): void;
  /** The connection is closed. Called once. */
  onClosed(connection: UpstreamConnection): void;
  /**
   * The connection turned out to be closed before it carried the attempt's request anywhere; the request can be sent anew.
   * {@link onClosed} follows.
   */
  onStale(connection: UpstreamConnection, attempt: Attempt): void;
  /** The endpoint said how long it keeps idle connections. */
  onKeepAliveHint(connection: UpstreamConnection, keepAlive: string): void;
}

type Phase = 'idle' | 'head' | 'body' | 'tunnel' | 'closed';

/** Interim answers to one request: more are an endpoint gone mad. */
const MAX_INFORMATIONAL = 64;

/** One TCP connection to an endpoint. Carries one attempt at a time (HTTP/1.1 without pipelining), or a tunnel. */
export class UpstreamConnection implements Carrier, Resting, BodySink, BodyReceiver, SocketOwner {
  readonly endpoint: Endpoint;
  /** Coarse milliseconds since when it carries nothing. */
  idleSince = 0;
  isResting = false;
  turnsRested = 0;
  /** Coarse milliseconds of the last byte read or written. */
  lastActivity = 0;
  /** While it was idle, the endpoint closed it. */
  wasClosedByEndpoint = false;
  /** It carried another request before, or lay idle: the endpoint may have closed it meanwhile. */
  isReused = false;
  private readonly owner: ConnectionOwner;
  private readonly context: ConnectionContext;
  private readonly socket: ByteSocket;
  private readonly writer: RequestWriter;
  private readonly headReader: HeadReader;
  private readonly decoder: BodyDecoder;
  private readonly held = new HeldAnswer();
  private phase: Phase = 'idle';
  private attempt: Attempt | null = null;
  private hasAnswered = false;
  private informationals = 0;
  private keepAlive = false;
  private readEnded = false;
  private isPaused = false;

  /** @param socket connected to the endpoint, and the connection's own from now on */
  constructor(endpoint: Endpoint, socket: ByteSocket, owner: ConnectionOwner, context: ConnectionContext) {
    this.endpoint = endpoint;
    this.socket = socket;
    this.owner = owner;
    this.context = context;
    this.writer = new RequestWriter(socket);
    this.headReader = new HeadReader(context.headSize);
    this.decoder = new BodyDecoder(context.headSize, context.headFields);
    socket.open(this);
    socket.keepAlive();
  }

  get isBusy(): boolean {
    return this.attempt !== null;
  }

  /** Sends the attempt's request. The connection must be idle. */
  send(attempt: Attempt): void {
    this.attempt = attempt;
    attempt.noteCarried(this);
    this.lastActivity = this.context.wheel.coarseNow;
    this.hasAnswered = false;
    const { head, body } = attempt.exchange;
    if (head.method === 'CONNECT') return this.beginTunnel(TUNNEL_ESTABLISHED);
    this.phase = 'head';
    this.headReader.limit = this.context.headSize;
    this.informationals = 0;
    this.writer.begin(attempt.exchange, this.context.via, this.lastActivity);
    if (body !== null) {
      body.attach(this);
      this.writer.uncork();
    }
  }

  /** Closes the connection; an attempt on it has been dealt with. */
  abandon(): void {
    this.detach();
    this.close();
  }

  /** The sidecar stops: fails the attempt, if there is one, and closes. */
  stop(): void {
    if (this.attempt === null) this.close();
    else this.loseAttempt(failure('reset', `${this.where()} was closed: the sidecar stops.`));
  }

  /**
   * Ends an attempt for which no byte has come or gone for too long, on account of whoever does not go on.
   * @param streamIdle ms that an exchange may stand still, or null
   * @param tunnelIdle the same for a tunnel
   */
  endIfSilent(now: number, streamIdle: number | null, tunnelIdle: number | null): void {
    if (this.attempt === null) return;
    const isTunnel = this.phase === 'tunnel';
    const limit = isTunnel ? tunnelIdle : streamIdle;
    if (limit === null || now - this.lastActivity < limit) return;
    const { isPaused } = this;
    const { isBlocked } = this.socket;
    const standstill = { isTunnel, isPaused, isBlocked, isSent: this.writer.isComplete };
    this.loseAttempt(silence(standstill, limit, this.where()));
  }

  pause(): void {
    this.isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.lastActivity = this.context.wheel.coarseNow;
    this.socket.resume();
  }

  // The request's body, towards the endpoint.

  write(chunk: Buffer): boolean {
    this.lastActivity = this.context.wheel.coarseNow;
    this.writer.data(chunk);
    return !this.socket.isBlocked;
  }

  end(trailers: Fields | null): void {
    this.writer.end(trailers);
    if (this.phase !== 'tunnel') return;
    this.writer.uncork();
    this.socket.end();
    if (this.readEnded) this.finishTunnel();
  }

  // The answer, from the endpoint.

  onBody(chunk: Buffer): void {
    if (!this.held.add(chunk)) this.attempt?.data(chunk);
  }

  onRead(length: number, bytes: Buffer): void {
    const attempt = this.attempt;
    if (attempt === null) {
      // Nobody asked: whatever it is, it must not become the answer to the next request.
      return this.close();
    }
    // The same where the request has not gone out. A new connection may say at once that its endpoint has too much to do.
    if (this.isReused && this.socket.takeBack())
      return this.onLost('it sent something that nobody had asked for');
    this.socket.flush();
    this.lastActivity = this.context.wheel.coarseNow;
    this.hasAnswered = true;
    let position = 0;
    while (this.phase === 'head' && position < length) {
      position = this.headReader.feed(bytes, position, length);
      if (position === INCOMPLETE) return;
      if (position === REFUSED) return this.badResponse(this.headReader.error?.detail ?? 'a malformed head');
      this.onHead(attempt);
      if (this.attempt !== attempt) return;
    }
    // Interim answers go out by themselves.
    if (this.phase === 'head') return;
    if (this.phase === 'tunnel') {
      if (position < length) attempt.data(bytes.subarray(position, length));
    } else if (this.phase === 'body') {
      position = this.decoder.feed(bytes, position, length, this);
      if (this.attempt !== attempt) return;
      if (this.decoder.error !== null) return this.badResponse(this.decoder.error.detail);
      this.held.tell(attempt);
      if (this.attempt !== attempt) return;
      if (this.decoder.isDone) return this.finishAnswer(attempt, position === length);
    }
    attempt.flush();
  }

  private onHead(attempt: Attempt): void {
    const { headReader, context } = this;
    const method = attempt.exchange.head.method;
    const parsed = parseResponseHead(
      headReader.bytes,
      headReader.start,
      headReader.end,
      context.headFields,
      method,
      context.date.now(),
    );
    headReader.reset();
    if (parsed instanceof ProtocolError) return this.badResponse(parsed.detail);
    const { head } = parsed;
    if (head.status === 101) {
      if (!isOffered(head.upgrade, attempt.exchange.head.upgrade)) {
        return this.badResponse('a switch to a protocol that was not asked for');
      }
      return this.beginTunnel(head);
    }
    if (head.status < 200) {
      if (++this.informationals > MAX_INFORMATIONAL) return this.badResponse('interim answers without end');
      return attempt.informational(head);
    }
    this.keepAlive = parsed.keepAlive;
    if (head.status === 408 && this.crosses(attempt.exchange)) return this.replay(attempt);
    if (parsed.keepAliveHint !== null) this.owner.onKeepAliveHint(this, parsed.keepAliveHint);
    this.phase = 'body';
    this.decoder.start(parsed.framing, parsed.nominated);
    if (parsed.framing >= LONG_BODY) this.socket.readApart();
    if (parsed.framing === CHUNKED) this.held.hold(head);
    else attempt.head(head);
  }

  /**
   * Whether a 408 has crossed the request, which was sent whole: some servers close idle connections with one. The request may be
   * repeated on another connection then (RFC 9110 section 15.5.9).
   */
  private crosses(exchange: Exchange): boolean {
    if (!this.isReused || this.keepAlive || this.informationals > 0 || !this.writer.isComplete) return false;
    return exchange.isIdempotent && exchange.isReplayable;
  }

  private finishAnswer(attempt: Attempt, isClean: boolean): void {
    const trailers = this.decoder.trailers;
    const isReusable = isClean && this.keepAlive && this.writer.isComplete && !this.readEnded;
    this.detach();
    if (isReusable) {
      this.phase = 'idle';
      this.isReused = true;
      // Back pressure of the answer that has ended must not keep the next one from being read.
      if (this.isPaused) this.resume();
      this.owner.onFree(this);
    } else {
      this.close();
    }
    attempt.end(trailers);
  }

  private badResponse(detail: string): void {
    this.loseAttempt(
      failure(
        'bad-response',
        `${this.where()} brought an answer with ${detail}. Check what the endpoint sends.`,
      ),
    );
  }

  private beginTunnel(head: ResponseHead): void {
    const attempt = this.attempt;
    const tunnel = attempt?.exchange.tunnel ?? null;
    if (attempt === null || tunnel === null) return this.close();
    this.phase = 'tunnel';
    this.writer.beginTunnel();
    attempt.head(head);
    attempt.flush();
    if (this.attempt !== attempt) return;
    tunnel.body.attach(this);
    this.writer.uncork();
  }

  /** Both sides have ended: it is over once everything is written. */
  private finishTunnel(): void {
    if (this.socket.isBlocked) return;
    const attempt = this.attempt;
    this.detach();
    this.close();
    attempt?.end(null);
  }

  // The socket.

  onDrain(): void {
    this.lastActivity = this.context.wheel.coarseNow;
    const exchange = this.attempt?.exchange;
    if (exchange === undefined) return;
    if (this.phase !== 'tunnel') return exchange.body?.resume();
    exchange.tunnel?.body.resume();
    if (this.readEnded && this.writer.isComplete) this.finishTunnel();
  }

  onEnd(): void {
    this.readEnded = true;
    const attempt = this.attempt;
    if (this.phase === 'tunnel' && attempt !== null) {
      attempt.exchange.tunnel?.peer.upstreamEnded();
      if (this.writer.isComplete) this.finishTunnel();
    } else if (this.phase === 'body' && attempt !== null && this.decoder.endOfStream()) {
      this.finishAnswer(attempt, false);
    } else {
      this.onLost('the endpoint closed the connection');
    }
  }

  onLost(reason: string): void {
    if (this.phase === 'closed') return;
    const attempt = this.attempt;
    if (attempt === null) {
      this.wasClosedByEndpoint = true;
      return this.close();
    }
    const exchange = attempt.exchange;
    const isStale =
      this.isReused && !this.hasAnswered && (exchange.isIdempotent || this.writer.hasReachedNobody);
    if (isStale && exchange.isReplayable) return this.replay(attempt);
    const detail = `${this.where()} was lost ${PART[this.phase]}: ${reason}. Look into the log of the endpoint.`;
    this.loseAttempt(failure('reset', detail, this.writer.hasReachedNobody));
  }

  /** The attempt is sent anew on a fresh connection. */
  private replay(attempt: Attempt): void {
    this.detach();
    this.owner.onStale(this, attempt);
    this.close();
  }

  private loseAttempt(reason: Failure): void {
    const attempt = this.attempt;
    this.detach();
    this.close();
    attempt?.fail(reason);
  }

  /** Lets go of the attempt; the connection may then carry another, or be closed. */
  private detach(): void {
    const exchange = this.attempt?.exchange;
    this.attempt = null;
    this.held.drop();
    this.writer.drop();
    this.socket.readShared();
    exchange?.body?.detach(this);
    exchange?.tunnel?.body.detach(this);
  }

  private close(): void {
    if (this.phase === 'closed') return;
    this.phase = 'closed';
    this.socket.destroy();
    this.owner.onClosed(this);
  }

  private where(): string {
    return `${subject(this.owner.name, this.endpoint)}: the connection to ${this.endpoint.name}`;
  }
}

/** When a connection is lost, for whoever reads of it. */
const PART: Readonly<Record<Phase, string>> = {
  idle: 'between two requests',
  head: 'before it answered',
  body: 'in the middle of its answer',
  tunnel: 'in the middle of a tunnel',
  closed: 'behind its end',
};

const TUNNEL_ESTABLISHED: ResponseHead = {
  status: 200,
  version: '1.1',
  reason: 'Connection Established',
  fields: NO_FIELDS,
  bodyLength: 0,
  upgrade: null,
  tunnel: true,
  endsWithConnection: false,
};
