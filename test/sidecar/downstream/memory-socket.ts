import assert from 'node:assert/strict';
import type { ByteSocket, SocketEnds, SocketOwner } from '../../../sidecar/io/byte-socket.ts';
import { READ_BUFFER, TEXT_LIMIT } from '../../../sidecar/io/shared-buffers.ts';

/** What waits to be written: long pieces that were not in the shared read buffer are still where their owner has them. */
interface Waiting {
  readonly before: string;
  readonly bytes: Buffer;
  readonly after: string;
}

/** A socket without a network. What it reads lies in the shared read buffer, or in one of its own where it reads apart. */
export class MemorySocket implements ByteSocket {
  /** What the other side has got, as latin1. */
  written = '';
  isBlocked = false;
  /** The kernel refuses what is written. */
  hasFailed = false;
  writes = 0;
  /** Whether what is written for the end of the turn waits for that, or goes out at once. */
  holds = false;
  isPaused = false;
  /** A FIN was sent. */
  hasEnded = false;
  /** How it was closed: at once, behind what was written, or with a RST. */
  closed: 'at once' | 'soon' | 'reset' | null = null;
  isKeptAlive = false;
  /** What was written before it was closed at once, and got lost. */
  lost = '';
  private owner: SocketOwner | null = null;
  private waiting: Waiting[] = [];
  private late = '';
  private readBuffer = READ_BUFFER;

  open(owner: SocketOwner): void {
    assert.equal(this.owner, null);
    this.owner = owner;
  }

  write(text: string): void {
    this.writeTogether(text, Buffer.alloc(0), '');
  }

  writeSoon(text: string): void {
    this.late += text;
    if (!this.holds) this.flush();
  }

  flush(): void {
    if (this.late !== '') this.write('');
  }

  takeBack(): boolean {
    const hadAny = this.late !== '';
    this.late = '';
    return hadAny;
  }

  writeTogether(text: string, bytes: Buffer, after: string): void {
    const before = this.late + text;
    this.late = '';
    if (this.closed !== null) return;
    if (this.hasFailed) return;
    this.writes++;
    assert.ok(!this.hasEnded, 'a write after the end');
    const isCopied =
      bytes.buffer === READ_BUFFER.buffer || before.length + bytes.length + after.length <= TEXT_LIMIT;
    this.waiting.push({ before, bytes: isCopied ? Buffer.from(bytes) : bytes, after });
    if (!this.isBlocked) this.writeOut();
  }

  readApart(): void {
    if (this.readBuffer === READ_BUFFER) this.readBuffer = Buffer.alloc(READ_BUFFER.length);
  }

  readShared(): void {
    this.readBuffer = READ_BUFFER;
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }

  end(): void {
    this.flush();
    this.hasEnded = true;
  }

  destroySoon(): void {
    this.flush();
    this.closed ??= 'soon';
    this.owner = null;
    if (!this.isBlocked) this.writeOut();
  }

  destroy(): void {
    this.flush();
    if (this.closed === null) this.lose();
    this.closed ??= 'at once';
    this.owner = null;
  }

  reset(): void {
    this.flush();
    if (this.closed === null) this.lose();
    this.closed ??= 'reset';
    this.owner = null;
  }

  /** How often it was looked whether the connection was reset. */
  probes = 0;

  probe(): void {
    this.probes++;
  }

  keepAlive(): void {
    this.isKeptAlive = true;
  }

  ends(): SocketEnds {
    return { localAddress: '127.0.0.1', remoteAddress: '127.0.0.1', remotePort: 40_000 };
  }

  // The other side.

  /** The other side sends; latin1. */
  send(text: string): void {
    for (let from = 0; from < text.length; ) {
      assert.ok(!this.isPaused, 'nobody reads');
      const { readBuffer } = this;
      const length = Math.min(readBuffer.length, text.length - from);
      readBuffer.write(text.slice(from, from + length), 0, 'latin1');
      from += length;
      this.owner?.onRead(length, readBuffer);
      // What comes next may overwrite it: nobody may still look there.
      readBuffer.fill('#', 0, length);
    }
  }

  /** The other side sends no more. */
  sendEnd(): void {
    assert.ok(!this.isPaused, 'nobody reads');
    this.owner?.onEnd();
  }

  /** The connection is lost. */
  lose(): void {
    for (const { before, bytes, after } of this.waiting)
      this.lost += before + bytes.toString('latin1') + after;
    this.waiting = [];
  }

  fail(reason: string): void {
    const { owner } = this;
    this.destroy();
    owner?.onLost(reason);
  }

  /** The other side stops to read. */
  block(): void {
    this.isBlocked = true;
  }

  /** The other side has read everything. */
  drain(): void {
    this.isBlocked = false;
    this.writeOut();
    this.owner?.onDrain();
  }

  /** What the other side has got since this was asked last. */
  take(): string {
    const { written } = this;
    this.written = '';
    return written;
  }

  private writeOut(): void {
    for (const { before, bytes, after } of this.waiting)
      this.written += before + bytes.toString('latin1') + after;
    this.waiting = [];
  }
}
