import type { ByteSocket } from '../io/byte-socket.ts';

/**
 * Decides whether an application's connection is read from: not while nobody takes the body that it sends, nor while as much
 * of its further requests is held as may be.
 */
export class Intake {
  /** The body waits for whoever takes it. */
  isBodyPaused = false;
  private readonly socket: ByteSocket;
  private held: Buffer | null = null;
  private isPaused = false;

  constructor(socket: ByteSocket) {
    this.socket = socket;
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
    this.isBodyPaused = true;
    this.pause();
  }

  resumeBody(): void {
    this.isBodyPaused = false;
    if (this.held === null) this.resume();
  }

  /** The exchange has ended, or nobody is interested in what it sends any more. */
  resume(): void {
    this.isBodyPaused = false;
    if (!this.isPaused) return;
    this.isPaused = false;
    this.socket.resume();
  }

  private pause(): void {
    if (this.isPaused) return;
    this.isPaused = true;
    this.socket.pause();
  }
}
