import { KeptBytes } from '../io/kept-bytes.ts';
import type { Fields } from './fields.ts';

/** Takes a request's body towards an endpoint. */
export interface BodySink {
  /**
   * A piece of the body, valid during the call only.
   * @returns false when it wants no more until it calls {@link RequestBody.resume}
   */
  write(chunk: Buffer): boolean;
  /** The body is complete. */
  end(trailers: Fields | null): void;
}

/** Where a request's body comes from: the application's connection. */
export interface BodySource {
  pauseBody(): void;
  resumeBody(): void;
}

/**
 * A request's body on its way through the layers: streamed to whichever attempt is attached, with back pressure, and
 * with its first bytes kept, up to a bound, so that a further attempt can have them again. A body that grew beyond the
 * bound is still streamed but can't be replayed any more. One that is complete may be replayed to several attempts that are under way
 * at once: each gets all of it as it attaches.
 */
export class RequestBody {
  /** The declared length in bytes, or `UNKNOWN_LENGTH`. */
  readonly length: number;
  /** Bytes that the application has sent so far; replays do not count. */
  receivedBytes = 0;
  /** Coarse milliseconds at which it was complete; whoever finishes it sets this. */
  completedAt = 0;
  private readonly source: BodySource;
  private keepAtMost: number;
  private readonly kept = new KeptBytes();
  private keeping = true;
  private sink: BodySink | null = null;
  private paused = false;
  private complete = false;
  private trailers: Fields | null = null;

  /** @param keepAtMost how many bytes are kept for a replay */
  constructor(source: BodySource, length: number, keepAtMost: number) {
    this.source = source;
    this.length = length;
    this.keepAtMost = keepAtMost;
  }

  /** Whether an attempt that attaches now still gets every byte from the first one on. */
  get isReplayable(): boolean {
    return this.keeping;
  }

  /** Whether the application has sent all of it. */
  get isComplete(): boolean {
    return this.complete;
  }

  /** Bytes held for a replay, or for an attempt that has not attached yet. */
  get heldBytes(): number {
    return this.kept.length;
  }

  /** Lowers the bound on what is kept. What is more already waits for the attempt that comes, and is not kept behind it. */
  keepNoMoreThan(bytes: number): void {
    if (bytes < this.keepAtMost) this.keepAtMost = bytes;
  }

  /** Sends the body to `sink`, from its first byte. Requires {@link isReplayable}. */
  attach(sink: BodySink): void {
    if (!this.keeping) throw new Error('the body can not be replayed');
    this.sink = sink;
    let wantsMore = true;
    for (const piece of this.kept.pieces()) wantsMore = sink.write(piece);
    if (this.kept.length > this.keepAtMost) this.release();
    if (this.complete) sink.end(this.trailers);
    else this.setPaused(!wantsMore);
  }

  /** The attempt has ended. A further one may attach. */
  detach(sink: BodySink): void {
    if (this.sink !== sink) return;
    this.sink = null;
    this.setPaused(!this.keeping || this.kept.length >= this.keepAtMost);
  }

  /** No further attempt will be made: nothing has to be kept from here on. */
  release(): void {
    this.keeping = false;
    this.kept.release();
  }

  /** The sink takes more. */
  resume(): void {
    this.setPaused(false);
  }

  /** The application sent a piece of the body. */
  push(chunk: Buffer): void {
    this.receivedBytes += chunk.length;
    if (this.keeping) this.keep(chunk);
    const wantsMore =
      this.sink === null ? this.keeping && this.kept.length < this.keepAtMost : this.sink.write(chunk);
    if (!wantsMore) this.setPaused(true);
  }

  /** The application sent the last piece before this. */
  finish(trailers: Fields | null): void {
    this.complete = true;
    this.trailers = trailers;
    this.sink?.end(trailers);
    // Nothing more comes that could be too much, and a source that is paused does not notice when it is left.
    this.setPaused(false);
  }

  private keep(chunk: Buffer): void {
    if (this.sink !== null && this.kept.length + chunk.length > this.keepAtMost) {
      this.release();
      return;
    }
    // Without a sink nothing may be lost: the source is paused at the bound, which one chunk may overshoot.
    this.kept.append(chunk);
  }

  private setPaused(paused: boolean): void {
    if (paused === this.paused || (paused && this.complete)) return;
    this.paused = paused;
    if (paused) this.source.pauseBody();
    else this.source.resumeBody();
  }
}
