import type { ByteSocket } from '../io/byte-socket.ts';
import { Timer, type TimerOwner, type TimerWheel } from '../io/timer-wheel.ts';
import { Dial, type DialListener } from './dial.ts';
import type { Endpoint } from './endpoint.ts';

interface SearchOptions {
  /** The upstream's name. */
  readonly name: string;
  readonly endpoints: () => Iterable<Endpoint>;
  readonly wheel: TimerWheel;
  /** Milliseconds. */
  readonly connectTimeout: () => number;
  readonly isOwnPort: (port: number) => boolean;
  /** From 0 to below 1. */
  readonly random: () => number;
  /** One of them could be connected to; the search has ended. */
  readonly onFound: () => void;
}

const FIRST_PAUSE_MS = 25;
/** Whoever waits is served within 100 ms of the return; a connection that is refused costs next to nothing. */
const LONGEST_PAUSE_MS = 50;

/**
 * The pause before the search looks at the endpoints once more: it doubles from 25 ms to 50 ms, less up to a half at random, so
 * that many sidecars do not come at once.
 * @param rounds how often it has looked
 * @param random from 0 to below 1
 */
export function pauseAfter(rounds: number, random: number): number {
  const pause = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** rounds);
  return pause * (1 - random / 2);
}

/**
 * Looks for an endpoint that can be connected to, while somebody waits for one: tries one after another, never two at once, and
 * begins again after a pause. What it finds out stands with the endpoint; the connection itself is closed.
 */
export class Search implements DialListener, TimerOwner {
  readonly name: string;
  private readonly options: SearchOptions;
  private readonly timer = new Timer(this);
  private isRunning = false;
  private rounds = 0;
  private ahead: Endpoint[] = [];
  private dial: Dial | null = null;

  constructor(options: SearchOptions) {
    this.name = options.name;
    this.options = options;
  }

  /** Does nothing while it is under way. */
  begin(): void {
    if (this.isRunning) return;
    this.isRunning = true;
    this.rounds = 0;
    this.pause();
  }

  /** Does nothing where it is not under way. */
  end(): void {
    this.isRunning = false;
    this.ahead = [];
    this.options.wheel.stop(this.timer);
    this.dial?.abort();
    this.dial = null;
  }

  onTimer(): void {
    this.rounds++;
    this.ahead = [...this.options.endpoints()].filter(({ weight }) => weight > 0);
    this.tryNext();
  }

  onConnected(_dial: Dial, socket: ByteSocket): void {
    this.dial = null;
    socket.destroy();
    this.end();
    this.options.onFound();
  }

  onConnectFailed(): void {
    this.dial = null;
    if (this.isRunning) this.tryNext();
  }

  private tryNext(): void {
    const endpoint = this.ahead.shift();
    if (endpoint === undefined) return this.pause();
    const { wheel, connectTimeout, isOwnPort } = this.options;
    this.dial = new Dial(endpoint, this, wheel, connectTimeout(), isOwnPort);
  }

  private pause(): void {
    const { wheel, random } = this.options;
    wheel.start(this.timer, pauseAfter(this.rounds, random()), wheel.now());
  }
}
