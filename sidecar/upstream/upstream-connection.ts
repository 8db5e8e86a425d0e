import { UNKNOWN_LENGTH } from '../exchange/body-length.ts';
import { type Failure, failure } from '../exchange/failure.ts';
import { type Fields, NO_FIELDS } from '../exchange/fields.ts';
import type { BodySink } from '../exchange/request-body.ts';
import type { ResponseHead } from '../exchange/service.ts';
import { BodyDecoder } from '../http1/body-decoder.ts';
import type { BodyReceiver } from '../http1/chunked-decoder.ts';
import { CHUNKED, type Framing, UNTIL_CLOSE } from '../http1/framing.ts';
import { HeadReader, INCOMPLETE, REFUSED } from '../http1/head-reader.ts';
import { ProtocolError } from '../http1/protocol-error.ts';
import { parseResponseHead } from '../http1/response-head.ts';
import { chunkedEnd, chunkStart, requestHeadText } from '../http1/serialize.ts';
import { type ByteSocket, LONG_BODY, type SocketOwner } from '../io/byte-socket.ts';
import { type AbortConnect, type ConnectListener, connect } from '../io/connect.ts';
import type { HttpDate } from '../io/http-date.ts';
import { Timer, type TimerOwner, type TimerWheel } from '../io/timer-wheel.ts';
import type { Attempt, Carrier } from './attempt.ts';
import type { Endpoint } from './endpoint.ts';

/** What all connections to endpoints share. */
export interface ConnectionContext {
  readonly wheel: TimerWheel;
  readonly date: HttpDate;
  /** The largest head of an answer in bytes, and the most fields in it. */
  readonly headSize: number;
  readonly headFields: number;
  /** The value of the Via field to add, or '' for none. */
  readonly via: string;
  /** Whether the sidecar itself listens on this local port. */
  readonly isOwnPort: (port: number) => boolean;
}

/** Whoever keeps the connection while it carries nothing. */
export interface ConnectionOwner {
  onConnected(connection: UpstreamConnection): void;
  onConnectFailed(connection: UpstreamConnection, failure: Failure): void;
  /** The answer is complete and the connection can carry another request. */
  onFree(connection: UpstreamConnection): void;
  /** The connection is closed. Called once, for connections that were connected. */
  onClosed(connection: UpstreamConnection): void;
  /** The connection turned out to be closed before it carried the attempt's request anywhere; the request can be sent anew. */
  onStale(connection: UpstreamConnection, attempt: Attempt): void;
  /** The endpoint said how long it keeps idle connections. */
  onKeepAliveHint(connection: UpstreamConnection, keepAlive: string): void;
}

type Phase = 'connecting' | 'idle' | 'head' | 'body' | 'tunnel' | 'closed';

/** Interim answers to one request: more are an endpoint gone mad. */
const MAX_INFORMATIONAL = 64;

/** One TCP connection to an endpoint. Carries one attempt at a time (HTTP/1.1 without pipelining), or a tunnel. */
export class UpstreamConnection
  implements Carrier, BodySink, BodyReceiver, ConnectListener, SocketOwner, TimerOwner
{
  readonly endpoint: Endpoint;
  /** Coarse milliseconds since when it carries nothing. */
  idleSince = 0;
  /** Coarse milliseconds of the last byte read or written. */
  lastActivity = 0;
  /** While it was idle, the endpoint closed it. */
  wasClosedByEndpoint = false;
  /** It carried another request before. */
  isReused = false;
  private readonly owner: ConnectionOwner;
  private readonly context: ConnectionContext;
  private readonly abortConnect: AbortConnect;
  private socket: ByteSocket = NO_SOCKET;
  private readonly connectTimer: Timer;
  private readonly connectTimeout: number;
  private readonly headReader: HeadReader;
  private readonly decoder: BodyDecoder;
  private phase: Phase = 'connecting';
  private attempt: Attempt | null = null;

  /** Text that is to go out with what comes next. */
  private out = '';
  private isCorked = false;
  private requestFraming: Framing = 0;
  private isRequestSent = false;
  /** The kernel refused the very first write of the request: nobody has seen it. */
  private wasNeverSent = false;

  private hasAnswered = false;
  private informationals = 0;
  private keepAlive = false;
  private readEnded = false;
  private isPaused = false;

  /** Begins to connect. @param connectTimeout milliseconds */
  constructor(
    endpoint: Endpoint,
    owner: ConnectionOwner,
    context: ConnectionContext,
    connectTimeout: number,
  ) {
    this.endpoint = endpoint;
    this.owner = owner;
    this.context = context;
    this.headReader = new HeadReader(context.headSize);
    this.decoder = new BodyDecoder(context.headSize, context.headFields);
    this.connectTimeout = connectTimeout;
    this.connectTimer = new Timer(this);
    context.wheel.start(this.connectTimer, connectTimeout, context.wheel.now());
    this.abortConnect = connect(endpoint.address, endpoint.port, this);
  }

  get isBusy(): boolean {
    return this.attempt !== null;
  }

  get isTunnel(): boolean {
    return this.phase === 'tunnel';
  }

  /** Sends the attempt's request. The connection must be idle. */
  send(attempt: Attempt): void {
    this.attempt = attempt;
    attempt.carrier = this;
    this.lastActivity = this.context.wheel.coarseNow;
    this.hasAnswered = false;
    this.wasNeverSent = false;
    const { head, body } = attempt.exchange;
    if (head.method === 'CONNECT') return this.beginTunnel(TUNNEL_ESTABLISHED);
    this.phase = 'head';
    this.informationals = 0;
    this.requestFraming = body === null ? 0 : body.length === UNKNOWN_LENGTH ? CHUNKED : body.length;
    this.isRequestSent = body === null;
    const text = requestHeadText(head, this.requestFraming, this.context.via);
    if (body === null) {
      this.socket.write(text);
    } else {
      this.out = text;
      this.isCorked = true;
      body.attach(this);
      this.isCorked = false;
      this.flushOut();
    }
    // Set in the same turn where the kernel refuses at once: the peer's reset had arrived before.
    this.wasNeverSent = this.socket.hasFailed;
  }

  /** Closes the connection; an attempt on it has been dealt with. */
  abandon(): void {
    this.detach();
    this.close();
  }

  /** Ends the attempt for having been silent too long, or closes an idle connection. */
  expire(reason: string): void {
    if (this.attempt === null) this.close();
    else this.loseAttempt(failure('reset', `${this.where()} ${reason}`));
  }

  pause(): void {
    this.isPaused = true;
    this.socket.pause();
  }

  resume(): void {
    this.isPaused = false;
    this.socket.resume();
  }

  onTimer(): void {
    const detail = `connecting to ${this.endpoint.name} took longer than ${this.connectTimeout} ms`;
    this.connectFailed(failure('connect-timeout', detail));
  }

  // The request's body, towards the endpoint.

  write(chunk: Buffer): boolean {
    const isChunked = this.requestFraming === CHUNKED;
    const before = isChunked ? this.out + chunkStart(chunk.length) : this.out;
    this.out = '';
    this.lastActivity = this.context.wheel.coarseNow;
    this.socket.writeTogether(before, chunk, isChunked ? '\r\n' : '');
    return !this.socket.isBlocked;
  }

  writeText(text: string): boolean {
    const isChunked = this.requestFraming === CHUNKED;
    this.out += isChunked ? `${chunkStart(text.length)}${text}\r\n` : text;
    // What is kept is small, and is followed by its end or by more of it in the same turn: see `send`.
    return !this.socket.isBlocked;
  }

  end(trailers: Fields | null): void {
    this.isRequestSent = true;
    if (this.phase === 'tunnel') {
      this.socket.end();
      if (this.readEnded) this.finishTunnel();
      return;
    }
    if (this.requestFraming === CHUNKED) this.out += chunkedEnd(trailers);
    if (!this.isCorked) this.flushOut();
  }

  // The answer, from the endpoint.

  onBody(chunk: Buffer): void {
    this.attempt?.data(chunk);
  }

  onRead(length: number, bytes: Buffer): void {
    const attempt = this.attempt;
    if (attempt === null) {
      // Nobody asked: whatever it is, it must not become the answer to the next request.
      return this.close();
    }
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
    if (this.phase === 'tunnel') {
      if (position < length) attempt.data(bytes.subarray(position, length));
    } else if (this.phase === 'body') {
      position = this.decoder.feed(bytes, position, length, this);
      if (this.attempt !== attempt) return;
      if (this.decoder.error !== null) return this.badResponse(this.decoder.error.detail);
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
      if (attempt.exchange.head.upgrade === null || head.upgrade === null) {
        return this.badResponse('a switch of protocols that was not asked for');
      }
      return this.beginTunnel(head);
    }
    if (head.status < 200) {
      if (++this.informationals > MAX_INFORMATIONAL) return this.badResponse('interim answers without end');
      return attempt.informational(head);
    }
    this.keepAlive = parsed.keepAlive;
    if (parsed.keepAliveHint !== null) this.owner.onKeepAliveHint(this, parsed.keepAliveHint);
    this.phase = 'body';
    this.decoder.start(parsed.framing, parsed.nominated);
    if (parsed.framing >= LONG_BODY) this.socket.readApart();
    attempt.head(head);
  }

  private finishAnswer(attempt: Attempt, isClean: boolean): void {
    const trailers = this.decoder.trailers;
    const isReusable = isClean && this.keepAlive && this.isRequestSent && !this.readEnded;
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
    this.loseAttempt(failure('bad-response', `${this.where()} sent an answer with ${detail}`));
  }

  private beginTunnel(head: ResponseHead): void {
    const attempt = this.attempt;
    const tunnel = attempt?.exchange.tunnel ?? null;
    if (attempt === null || tunnel === null) return this.close();
    this.phase = 'tunnel';
    this.requestFraming = UNTIL_CLOSE;
    this.isRequestSent = false;
    attempt.head(head);
    attempt.flush();
    if (this.attempt !== attempt) return;
    tunnel.body.attach(this);
    this.flushOut();
  }

  private finishTunnel(): void {
    const attempt = this.attempt;
    this.detach();
    this.close();
    attempt?.end(null);
  }

  // The socket.

  onSocket(socket: ByteSocket): void {
    this.socket = socket;
    socket.open(this);
    socket.keepAlive();
    const { localAddress, remoteAddress, remotePort } = socket.ends();
    if (localAddress === remoteAddress && this.context.isOwnPort(remotePort)) {
      return this.onFailed('it is this sidecar itself');
    }
    this.context.wheel.stop(this.connectTimer);
    this.phase = 'idle';
    this.owner.onConnected(this);
  }

  onFailed(reason: string): void {
    this.connectFailed(failure('connect-failure', `connecting to ${this.endpoint.name} failed: ${reason}`));
  }

  onDrain(): void {
    const exchange = this.attempt?.exchange;
    if (exchange === undefined) return;
    if (this.phase === 'tunnel') exchange.tunnel?.body.resume();
    else exchange.body?.resume();
  }

  onEnd(): void {
    this.readEnded = true;
    const attempt = this.attempt;
    if (this.phase === 'tunnel' && attempt !== null) {
      attempt.exchange.tunnel?.peer.upstreamEnded();
      if (this.isRequestSent) this.finishTunnel();
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
    const isStale = this.isReused && !this.hasAnswered && (exchange.isIdempotent || this.wasNeverSent);
    if (isStale && exchange.isReplayable) {
      this.detach();
      this.close();
      this.owner.onStale(this, attempt);
      return;
    }
    const part = this.phase === 'body' ? 'in the middle of its answer' : 'before it answered';
    this.loseAttempt(failure('reset', `${this.where()} was lost ${part}: ${reason}`, this.wasNeverSent));
  }

  private connectFailed(reason: Failure): void {
    this.context.wheel.stop(this.connectTimer);
    this.phase = 'closed';
    this.abortConnect();
    this.socket.destroy();
    this.owner.onConnectFailed(this, reason);
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
    this.out = '';
    this.socket.readShared(this.isPaused);
    exchange?.body?.detach(this);
    exchange?.tunnel?.body.detach(this);
  }

  private close(): void {
    if (this.phase === 'closed') return;
    if (this.phase === 'connecting') {
      return this.connectFailed(
        failure('connect-failure', `connecting to ${this.endpoint.name} was given up`),
      );
    }
    this.phase = 'closed';
    this.socket.destroy();
    this.owner.onClosed(this);
  }

  private flushOut(): void {
    if (this.out === '') return;
    const text = this.out;
    this.out = '';
    this.socket.write(text);
  }

  private where(): string {
    return `the connection to ${this.endpoint.name}`;
  }
}

const TUNNEL_ESTABLISHED: ResponseHead = {
  status: 200,
  reason: 'Connection Established',
  fields: NO_FIELDS,
  bodyLength: 0,
  upgrade: null,
  tunnel: true,
};

/** Before it is connected. */
const NO_SOCKET: ByteSocket = {
  isBlocked: false,
  hasFailed: false,
  readApart() {},
  readShared() {},
  open() {},
  write() {},
  writeTogether() {},
  pause() {},
  resume() {},
  end() {},
  destroySoon() {},
  destroy() {},
  reset() {},
  keepAlive() {},
  ends: () => ({ localAddress: '', remoteAddress: '', remotePort: 0 }),
};
