import type { Socket } from 'node:net';
import type { ByteSocket, SocketEnds, SocketOwner } from './byte-socket.ts';
import { giveAway, joined, TEXT_LIMIT } from './shared-buffers.ts';

const KEEP_ALIVE_MS = 60_000;

/** A socket on `net.Socket`: public API alone, and slower for it. */
export class StreamSocket implements ByteSocket {
  writes = 0;
  private readonly socket: Socket;
  private owner: SocketOwner | null = null;
  /** Something waits to be written. */
  private isWaiting = false;

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
    socket.on('end', () => this.onStreamEnd());
    socket.on('close', () => this.lose(null));
  }

  get isBlocked(): boolean {
    return this.isWaiting && !this.socket.destroyed;
  }

  write(text: string): void {
    if (!this.socket.writable) return;
    this.socket.write(text, 'latin1', this.onWritten);
    this.noteWrite();
  }

  /** At once: this is not the fast way. */
  writeSoon(text: string): void {
    this.write(text);
  }

  flush(): void {}

  takeBack(): boolean {
    return false;
  }

  writeTogether(before: string, bytes: Buffer, after: string): void {
    if (before.length + bytes.length + after.length <= TEXT_LIMIT) {
      return this.write(before + bytes.toString('latin1') + after);
    }
    if (!this.socket.writable) return;
    this.socket.write(joined(before, bytes, after), this.onWritten);
    this.noteWrite();
    if (this.isWaiting) giveAway();
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
    const { socket } = this;
    // With a half-close under way the runtime refuses a reset, and the connection would stay open for good.
    if (socket.writableEnded && !socket.writableFinished) socket.destroy();
    else socket.resetAndDestroy();
  }

  probe(): void {
    if (this.socket.writable && !this.isWaiting) this.socket.write('');
  }

  keepAlive(): void {
    this.socket.setKeepAlive(true, KEEP_ALIVE_MS);
  }

  ends(): SocketEnds {
    const { localAddress = '', remoteAddress = '', remotePort = 0 } = this.socket;
    return { localAddress, remoteAddress, remotePort };
  }

  private noteWrite(): void {
    if (this.socket.errored === null) this.writes++;
    this.isWaiting = this.socket.writableLength > 0;
  }

  private readonly onWritten = (): void => {
    if (!this.isWaiting || this.socket.destroyed || this.socket.writableLength > 0) return;
    this.isWaiting = false;
    this.owner?.onDrain();
  };

  /** Bytes and a reset that come together are told as bytes and an end: {@link HandleSocket} says more. */
  private onStreamEnd(): void {
    if (!this.socket.writable || this.isWaiting) return this.owner?.onEnd();
    this.socket.write('', error => {
      if ((error as NodeJS.ErrnoException | null | undefined)?.code !== 'ECONNRESET') this.owner?.onEnd();
    });
  }

  private lose(error: (Error & { code?: string }) | null): void {
    const { owner } = this;
    this.destroy();
    owner?.onLost(error?.code ?? error?.message ?? 'the connection was closed');
  }
}
