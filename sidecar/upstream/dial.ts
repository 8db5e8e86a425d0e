import { type Failure, failure } from '../exchange/failure.ts';
import type { ByteSocket } from '../io/byte-socket.ts';
import { type Connecting, type ConnectListener, connect } from '../io/connect.ts';
import { descriptors, MORE_DESCRIPTORS } from '../io/descriptors.ts';
import { Timer, type TimerOwner, type TimerWheel } from '../io/timer-wheel.ts';
import type { Endpoint } from './endpoint.ts';
import { subject } from './subject.ts';

/** Told how a dial went, once, in a later turn. */
export interface DialListener {
  /** The upstream that the endpoint is one of. */
  readonly name: string;
  onConnected(dial: Dial, socket: ByteSocket): void;
  onConnectFailed(dial: Dial, reason: Failure): void;
}

/** One attempt to connect to an endpoint, bounded in time. */
export class Dial implements ConnectListener, TimerOwner {
  readonly endpoint: Endpoint;
  /** It failed for a reason that does not lie with the endpoint, nor on the way to it. */
  isOwnFault = false;
  private readonly listener: DialListener;
  private readonly wheel: TimerWheel;
  private readonly timeout: number;
  private readonly isOwnPort: (port: number) => boolean;
  private readonly timer = new Timer(this);
  private readonly connecting: Connecting;

  /**
   * Begins to connect.
   * @param timeout milliseconds
   * @param isOwnPort whether the sidecar itself listens on a local port: it must not call itself
   */
  constructor(
    endpoint: Endpoint,
    listener: DialListener,
    wheel: TimerWheel,
    timeout: number,
    isOwnPort: (port: number) => boolean,
  ) {
    this.endpoint = endpoint;
    this.listener = listener;
    this.wheel = wheel;
    this.timeout = timeout;
    this.isOwnPort = isOwnPort;
    wheel.start(this.timer, timeout, wheel.now());
    this.connecting = connect(endpoint.address, endpoint.port, this);
  }

  /** Gives up; the listener is told nothing more. */
  abort(): void {
    this.wheel.stop(this.timer);
    this.connecting.abort();
  }

  onSocket(socket: ByteSocket): void {
    const { localAddress, remoteAddress, remotePort } = socket.ends();
    const isThisMachine =
      localAddress === remoteAddress || (isLoopback(localAddress) && isLoopback(remoteAddress));
    if (isThisMachine && this.isOwnPort(remotePort)) {
      socket.destroy();
      return this.failFor('it is this sidecar itself', 'Give the upstream an address of its own.');
    }
    this.wheel.stop(this.timer);
    this.endpoint.noteReached();
    this.listener.onConnected(this, socket);
  }

  onFailed(reason: string): void {
    this.failFor(reason, advise(reason), !OWN_PROBLEM.test(reason), reason === 'ECONNREFUSED');
  }

  private failFor(reason: string, advice: string, isEndpoints = false, isCertain = false): void {
    const problem = failure('connect-failure', `${this.what()} failed: ${reason}. ${advice}`);
    this.fail(problem, isEndpoints, isCertain);
  }

  onTimer(): void {
    const tooLong = `${this.what()} took longer than ${this.timeout} ms (timeouts.connect)`;
    const why = this.connecting.isLookingUp
      ? ': DNS did not say in time where that is. Check the name servers.'
      : '. Check that it can be reached.';
    this.fail(failure('connect-timeout', tooLong + why), true, false);
  }

  private what(): string {
    return `${subject(this.listener.name, this.endpoint)}: connecting to ${this.endpoint.name}`;
  }

  /**
   * @param isEndpoints the reason lies with the endpoint, or on the way to it
   * @param isCertain nobody listens there; else an endpoint that has connections may only have too much to do
   */
  private fail(reason: Failure, isEndpoints: boolean, isCertain: boolean): void {
    this.abort();
    this.isOwnFault = !isEndpoints;
    if (isEndpoints && (isCertain || this.endpoint.connections === 0)) this.endpoint.noteLost(reason);
    this.listener.onConnectFailed(this, reason);
  }
}

function advise(reason: string): string {
  if (descriptors.isShortage(reason))
    return `The sidecar has no file descriptor left; its limit is ${descriptors.limit ?? 'not known'}. ${MORE_DESCRIPTORS}`;
  if (reason.includes('no such host')) return 'Check the name.';
  if (reason.includes('DNS')) return 'Check the name servers.';
  return 'Check that it runs and listens there.';
}

/** The sidecar has run out of something itself. */
const OWN_PROBLEM = /^(EMFILE|ENFILE|EADDRNOTAVAIL|EAGAIN|ENOBUFS|ENOMEM)$/;

/** All of 127.0.0.0/8 is this machine, and none of it has to be where a connection to another of its addresses comes from. */
function isLoopback(address: string): boolean {
  return /^(::ffff:)?127\./.test(address);
}
