import { getSystemErrorName } from 'node:util';
import type { ByteSocket, SocketEnds, SocketOwner } from './byte-socket.ts';
import type { RuntimeHandles, TcpHandle, WriteRequest } from './runtime-handles.ts';
import {
  giveApart,
  giveAway,
  giveBack,
  isLent,
  joined,
  lend,
  READ_BUFFER,
  TEXT_LIMIT,
  takeApart,
} from './shared-buffers.ts';

/** The end of the stream, as the runtime numbers it. */
const UV_EOF = -4095;
const KEEP_ALIVE_SECONDS = 60;

/** Handles carry their socket: the runtime calls back with the handle alone. */
const SOCKET = Symbol('socket');
type OwnedHandle = TcpHandle & { [SOCKET]?: HandleSocket };

/**
 * A socket on a handle of the runtime. Against `net.Socket` it was measured to save about a tenth of a small request and
 * more than half of a connection: no stream state, no events, and a write that the kernel takes at once, as nearly all
 * are, leaves no object behind.
 */
export class HandleSocket implements ByteSocket {
  writes = 0;
  private readonly runtime: RuntimeHandles;
  private readonly handle: OwnedHandle;
  private owner: SocketOwner = NOBODY;
  /** Where the runtime reads to. */
  private readBuffer = READ_BUFFER;
  /** Where it is to read to: it takes over another buffer after a read only. */
  private nextReadBuffer = READ_BUFFER;
  private isPaused = false;
  private pending = 0;
  /** What is to be written at the end of the turn. */
  private late = '';
  private hasFailed = false;
  private isClosed = false;
  private isShuttingDown = false;
  /** A FIN was sent, or will be. */
  private isWriteEnded = false;
  private hasEnded = false;
  private hasReadAgain = false;

  /** @param handle a connected handle, which the socket owns from now on */
  constructor(runtime: RuntimeHandles, handle: TcpHandle) {
    this.runtime = runtime;
    this.handle = handle;
  }

  open(owner: SocketOwner): void {
    const { handle } = this;
    this.owner = owner;
    handle[SOCKET] = this;
    handle.onread = onRead;
    handle.useUserBuffer(READ_BUFFER);
    const error = handle.readStart();
    if (error !== 0) this.failSoon(error);
  }

  get isBlocked(): boolean {
    return this.pending > 0;
  }

  write(text: string): void {
    const all = this.late + text;
    this.late = '';
    if (this.isClosed) return;
    const request = spareRequest(this.runtime);
    const error = this.handle.writeLatin1String(request, all);
    if (error !== 0) return this.failSoon(error);
    this.writes++;
    if (this.runtime.wasLastWriteAsync()) this.await(request, null);
  }

  writeSoon(text: string): void {
    if (this.late.length + text.length > LATE_LIMIT) return this.write(text);
    if (this.late === '') lateSockets.add(this);
    this.late += text;
  }

  flush(): void {
    if (this.late !== '') this.write('');
  }

  takeBack(): boolean {
    const hadAny = this.late !== '';
    this.late = '';
    return hadAny;
  }

  writeTogether(before: string, bytes: Buffer, after: string): void {
    if (before.length + bytes.length + after.length <= TEXT_LIMIT) {
      return this.write(before + bytes.toString('latin1') + after);
    }
    const needsCopy = before !== '' || after !== '' || bytes.buffer === READ_BUFFER.buffer;
    this.writeBytes(needsCopy ? joined(before, bytes, after) : bytes, needsCopy);
  }

  /** @param isJoined whether the bytes lie in the buffer that is shared for this */
  private writeBytes(bytes: Buffer, isJoined: boolean): void {
    this.flush();
    if (this.isClosed) return;
    const request = spareRequest(this.runtime);
    const error = this.handle.writeBuffer(request, bytes);
    if (error !== 0) return this.failSoon(error);
    this.writes++;
    if (this.runtime.wasLastWriteAsync()) {
      if (isJoined) giveAway();
      this.await(request, bytes);
    }
  }

  readApart(): void {
    if (this.nextReadBuffer === READ_BUFFER) this.nextReadBuffer = takeApart() ?? READ_BUFFER;
  }

  readShared(): void {
    if (this.nextReadBuffer === READ_BUFFER) return;
    // The one that it reads to is given back behind the next read.
    if (this.nextReadBuffer !== this.readBuffer) giveApart(this.nextReadBuffer);
    this.nextReadBuffer = READ_BUFFER;
  }

  pause(): void {
    this.isPaused = true;
    if (!this.isClosed) this.handle.readStop();
  }

  resume(): void {
    this.isPaused = false;
    // Behind the end, the system would tell of the end again.
    if (!this.isClosed && !this.hasEnded) this.handle.readStart();
  }

  end(): void {
    this.shutdown(() => {});
  }

  destroySoon(): void {
    this.owner = NOBODY;
    this.shutdown(() => this.destroy());
  }

  destroy(): void {
    this.owner = NOBODY;
    this.flush();
    if (this.isClosed) return;
    this.isClosed = true;
    this.leaveReadBuffers();
    this.handle.close();
  }

  reset(): void {
    this.owner = NOBODY;
    this.flush();
    if (this.isClosed) return;
    this.isClosed = true;
    this.leaveReadBuffers();
    // With a half-close under way the runtime refuses a reset, and then a close too: the handle would stay open for good.
    if (this.isShuttingDown || this.handle.reset(() => {}) !== 0) this.handle.close();
  }

  probe(): void {
    // While a write waits, the runtime hears of a reset itself.
    if (!this.canWriteNothing) return;
    const error = this.writeNothing();
    if (error !== 0) this.failSoon(error);
  }

  keepAlive(): void {
    if (!this.isClosed) this.handle.setKeepAlive(true, KEEP_ALIVE_SECONDS);
  }

  ends(): SocketEnds {
    const local: { address?: string } = {};
    const remote: { address?: string; port?: number } = {};
    if (!this.isClosed) {
      this.handle.getsockname(local);
      this.handle.getpeername(remote);
    }
    return {
      localAddress: local.address ?? '',
      remoteAddress: remote.address ?? '',
      remotePort: remote.port ?? 0,
    };
  }

  /** What the runtime says after a read. @returns the buffer to read to next, where that is another one */
  onRuntimeRead(count: number): Buffer | undefined {
    if (this.isClosed || count === 0) return undefined;
    if (count > 0) this.owner.onRead(count, this.readBuffer);
    else if (count === UV_EOF) this.onRuntimeEnd();
    else this.lose(count);
    if (this.readBuffer === READ_BUFFER && this.nextReadBuffer === READ_BUFFER) return undefined;
    // Whoever writes what was read pauses it meanwhile; where somebody does not, it reads on elsewhere.
    if (this.nextReadBuffer === this.readBuffer && !this.isPaused && isLent(this.readBuffer))
      this.nextReadBuffer = takeApart() ?? READ_BUFFER;
    return this.nextReadBuffer === this.readBuffer ? undefined : this.changeReadBuffer();
  }

  /**
   * The runtime tells of bytes and a reset that come together as of bytes and an end: behind a read that did not fill the
   * buffer it takes a hang-up for the end, without asking the kernel for the error. So it is asked for here.
   */
  private onRuntimeEnd(): void {
    if (this.canWriteNothing) {
      const error = this.writeNothing();
      if (error !== 0 && getSystemErrorName(error) === 'ECONNRESET') return this.lose(error);
    } else if (!this.hasReadAgain) {
      this.hasReadAgain = true;
      this.handle.readStart();
      return;
    }
    this.hasEnded = true;
    this.owner.onEnd();
  }

  private get canWriteNothing(): boolean {
    return !this.isClosed && !this.isWriteEnded && this.pending === 0;
  }

  /**
   * A write of no bytes, which the kernel answers with the error of the connection.
   * @returns `ECONNRESET` for a reset, `EPIPE` for one behind a FIN, 0 while there is none
   */
  private writeNothing(): number {
    return this.handle.writeLatin1String(spareRequest(this.runtime), '');
  }

  /** What the runtime says after a write that the kernel did not take at once. */
  onRuntimeWrote(status: number, bytes: number): void {
    this.pending -= bytes;
    if (this.isClosed) return;
    if (status < 0) this.lose(status);
    else if (this.pending === 0) this.owner.onDrain();
  }

  private changeReadBuffer(): Buffer {
    if (this.readBuffer !== READ_BUFFER) giveApart(this.readBuffer);
    this.readBuffer = this.nextReadBuffer;
    return this.readBuffer;
  }

  private leaveReadBuffers(): void {
    if (this.nextReadBuffer !== this.readBuffer && this.nextReadBuffer !== READ_BUFFER)
      giveApart(this.nextReadBuffer);
    if (this.readBuffer !== READ_BUFFER) giveApart(this.readBuffer);
    this.readBuffer = READ_BUFFER;
    this.nextReadBuffer = READ_BUFFER;
  }

  private await(request: WriteRequest, buffer: Uint8Array | null): void {
    request.owner = this;
    request.bytes = this.runtime.lastWriteBytes();
    request.buffer = buffer;
    if (buffer !== null) lend(buffer);
    this.pending += request.bytes;
    spare = null;
  }

  private shutdown(done: () => void): void {
    this.flush();
    if (this.isClosed) return;
    this.isWriteEnded = true;
    const onDone = () => {
      this.isShuttingDown = false;
      done();
    };
    this.isShuttingDown = true;
    const error = this.handle.shutdown(this.runtime.newShutdown(onDone));
    // Not connected any more: what it should have told the other side does not matter.
    if (error !== 0) onDone();
  }

  /**
   * A caller in the middle of its work must not be told that the socket is lost: it hears so in another turn. Not before the
   * runtime has looked at the sockets once more: the other side may have answered, and refused to read on then.
   */
  private failSoon(error: number): void {
    if (this.hasFailed) return;
    this.hasFailed = true;
    setImmediate(() => setImmediate(() => this.lose(error)));
  }

  private lose(error: number): void {
    const { owner } = this;
    this.takeBack();
    this.destroy();
    owner.onLost(getSystemErrorName(error));
  }
}

/** Characters that may wait for the end of a turn. */
const LATE_LIMIT = 32 * 1024;

/** The sockets that write at the end of this turn. Those in use are the first `count`. */
class LateSockets {
  private readonly sockets: (HandleSocket | null)[] = [];
  private count = 0;

  add(socket: HandleSocket): void {
    this.sockets[this.count++] = socket;
    if (this.count === 1) setImmediate(this.flush);
  }

  private readonly flush = (): void => {
    const { sockets, count } = this;
    this.count = 0;
    for (let index = 0; index < count; index++) {
      const socket = sockets[index];
      sockets[index] = null;
      socket?.flush();
    }
  };
}

const lateSockets = new LateSockets();

function onRead(this: OwnedHandle): Buffer | undefined {
  return this[SOCKET]?.onRuntimeRead(readBytesOrError());
}

let readBytesOrError: () => number = () => 0;

/** Tells the sockets where to find what a read came to. Called once, by whoever makes the first one. */
export function useHandles(runtime: RuntimeHandles): void {
  readBytesOrError = runtime.readBytesOrError;
}

/** The request of a write that the kernel took at once was never looked at, and serves for the next one. */
let spare: WriteRequest | null = null;

function spareRequest(runtime: RuntimeHandles): WriteRequest {
  if (spare === null) {
    spare = runtime.newWrite();
    spare.oncomplete = onWrote;
    spare.owner = null;
    spare.bytes = 0;
    spare.buffer = null;
  }
  return spare;
}

function onWrote(this: WriteRequest, status: number): void {
  if (this.buffer !== null) giveBack(this.buffer);
  this.buffer = null;
  if (this.owner instanceof HandleSocket) this.owner.onRuntimeWrote(status, this.bytes);
}

const NOBODY: SocketOwner = { onRead() {}, onEnd() {}, onDrain() {}, onLost() {} };
