import type { Socket } from 'node:net';
import type { ByteSocket, SocketEnds, SocketOwner } from './byte-socket.ts';
import { giveAway, joined, TEXT_LIMIT } from './shared-buffers.ts';

const KEEP_ALIVE_MS = 60_000;

/** A socket on `net.Socket`: public API alone, and slower for it. */
export class StreamSocket implements ByteSocket {
  private readonly socket: Socket;
  private owner: SocketOwner | null = null;

  /** @param socket a connected socket with `allowHalfOpen` */
  constructor(socket: Socket) {
    this.socket = socket;
    socket.setNoDelay(true);
    // A socket that nobody uses any more may still fail.
    socket.on('error', error => this.lose(error));
  }

  open(owner: SocketOwner): void {
    this.owner = owner;
    const { socket } = this;
    socket.on('data', (bytes: Buffer) => this.owner?.onRead(bytes.length, bytes));
    socket.on('end', () => this.owner?.onEnd());
    socket.on('drain', () => {
      if (!this.isBlocked) this.owner?.onDrain();
    });
    socket.on('close', () => this.lose(null));
  }

  get isBlocked(): boolean {
    return this.socket.writableNeedDrain && this.socket.writableLength > 0;
  }

  get hasFailed(): boolean {
    return this.socket.errored !== null;
  }

  write(text: string): void {
    if (this.socket.writable) this.socket.write(text, 'latin1');
  }

  writeTogether(before: string, bytes: Buffer, after: string): void {
    if (before.length + bytes.length + after.length <= TEXT_LIMIT) {
      return this.write(before + bytes.toString('latin1') + after);
    }
    if (!this.socket.writable) return;
    this.socket.write(joined(before, bytes, after));
    if (this.socket.writableLength > 0) giveAway();
  }

  /** Each read has a buffer of its own anyway. */
  readApart(): void {}

  readShared(): void {}

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    this.socket.resume();
  }

  end(): void {
    this.socket.end();
  }

  destroySoon(): void {
    this.owner = null;
    this.socket.destroySoon();
  }

  destroy(): void {
    this.owner = null;
    this.socket.destroy();
  }

  reset(): void {
    this.owner = null;
    this.socket.resetAndDestroy();
  }

  keepAlive(): void {
    this.socket.setKeepAlive(true, KEEP_ALIVE_MS);
  }

  ends(): SocketEnds {
    const { localAddress = '', remoteAddress = '', remotePort = 0 } = this.socket;
    return { localAddress, remoteAddress, remotePort };
  }

  private lose(error: (Error & { code?: string }) | null): void {
    const { owner } = this;
    this.destroy();
    owner?.onLost(error?.code ?? error?.message ?? 'the connection was closed');
  }
}
