import type { Refusal } from '../contract/answers.ts';
import type { Revision } from '../contract/resources.ts';
import type { WatchMessage } from '../contract/watch-messages.ts';
import type { LineSink } from './line-sink.ts';

/** Who is at the other end of a stream. */
interface StreamPeer {
  /** The sidecar's id. */
  readonly sidecar: string;
  readonly service: string | null;
  readonly instance: string | null;
  readonly version: string;
}

/** Bytes that may wait for a slow reader: whoever is slower is cut off, and gets the whole of it when he comes again. */
const MAX_WAITING = 8 * 1024 * 1024;

/** One open stream: to a sidecar that speaks as well, or to anybody who listens. */
export class WatchStream {
  /** Null for a listener. */
  readonly peer: StreamPeer | null;
  services: ReadonlySet<string> = new Set();
  /** What the sidecar says its next pick uses. */
  applied: Revision = 0;
  /** The last revision of its services that it was told of. */
  told: Revision = 0;
  refusal: Refusal | null = null;
  /** Monotonic ms at which it was last heard of. */
  lastHeard: number;
  isClosed = false;
  /** ISO 8601. */
  readonly connectedAt: string;
  private readonly sink: LineSink;
  /** Bytes that it was told, and that had left for the other side at the last heartbeat. */
  private toldBytes = 0;
  private sentBytes = 0;
  private stuckHeartbeats = 0;

  constructor(peer: StreamPeer | null, sink: LineSink, connectedAt: string, now: number) {
    this.peer = peer;
    this.sink = sink;
    this.connectedAt = connectedAt;
    this.lastHeard = now;
  }

  /** Bytes that wait for the other side to read. */
  get waiting(): number {
    return this.sink.waiting;
  }

  /**
   * @param revision what the line says of its services is as of this; 0: it says nothing of them
   * @returns false where the other side is too slow to be told more
   */
  tell(line: string, revision: Revision): boolean {
    if (this.sink.waiting > MAX_WAITING) return false;
    this.told = Math.max(this.told, revision);
    this.toldBytes += Buffer.byteLength(line);
    this.sink.write(line);
    return true;
  }

  /** To be asked once a heartbeat. @returns for how many of them something has waited and nothing of it was read */
  countStuck(): number {
    const { waiting } = this.sink;
    const sent = this.toldBytes - waiting;
    this.stuckHeartbeats = waiting === 0 || sent > this.sentBytes ? 0 : this.stuckHeartbeats + 1;
    this.sentBytes = sent;
    return this.stuckHeartbeats;
  }

  /** Nobody is to blame for what happened until now. */
  forgive(now: number): void {
    this.lastHeard = now;
    this.stuckHeartbeats = 0;
  }

  /** Ends the stream. @param reason told to the other side; null where it does not listen */
  end(reason: string | null): void {
    if (this.isClosed) return;
    this.isClosed = true;
    if (reason === null) return this.sink.destroy();
    this.sink.write(lineOf({ type: 'goodbye', reason }));
    this.sink.close();
  }
}

export function lineOf(message: WatchMessage): string {
  return `${JSON.stringify(message)}\n`;
}
