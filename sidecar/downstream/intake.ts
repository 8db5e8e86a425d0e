import type { ByteSocket } from '../io/byte-socket.ts';
import { Timer, type TimerOwner, type TimerWheel } from '../io/timer-wheel.ts';

/** How often an application that is not read from is looked after: it may have hung up. */
const PROBE_MS = 1_000;

/**
 * Decides whether an application's connection is read from: not while nobody takes the body that it sends, nor while as much
 * of its further requests is held as may be.
 */
export class Intake implements TimerOwner {
  private readonly socket: ByteSocket;
  private readonly wheel: TimerWheel;
  private readonly probeTimer = new Timer(this);
  private held: Buffer | null = null;
  private isPaused = false;

  constructor(socket: ByteSocket, wheel: TimerWheel) {
    this.socket = socket;
    this.wheel = wheel;
  }

  /** Keeps bytes of further requests. @param atMost how many are held before reading stops */
  hold(bytes: Buffer, from: number, to: number, atMost: number): void {
    const more = Buffer.from(bytes.subarray(from, to));
    this.held = this.held === null ? more : Buffer.concat([this.held, more]);
    if (this.held.length >= atMost) this.pause();
  }

  /** Whether anything is held. */
  get isHolding(): boolean {
    return this.held !== null;
  }

  /** What was held, or null; from here on it is not. */
  take(): Buffer | null {
    const { held } = this;
    this.held = null;
    return held;
  }

  pauseBody(): void {
    this.pause();
  }

  resumeBody(): void {
    if (this.held === null) this.resume();
  }

  /** The exchange has ended, or nobody is interested in what it sends any more. */
  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    this.wheel.stop(this.probeTimer);
    this.socket.resume();
  }

  private pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.socket.pause();
    this.startProbe();
  }

  onTimer(): void {
    this.socket.probe();
    this.startProbe();
  }

  private startProbe(): void {
    this.wheel.start(this.probeTimer, PROBE_MS, this.wheel.coarseNow);
  }
}
