/**
 * The runtime's TCP handles, below `node:net`. They have no public API, but have been the same from Node 14 to 26:
 * `node:net` itself is written on them. {@link runtimeHandles} is null where they are not as expected.
 */

/** A TCP handle. Methods return 0, or a negative system error. */
export interface TcpHandle {
  /** The file descriptor; -1 where there is none. */
  readonly fd: number;
  /** Called by the runtime after each read, with the count in {@link RuntimeHandles.readBytesOrError}; may return another buffer. */
  onread: (this: TcpHandle) => Uint8Array | undefined;
  /** For a listening handle: called for each accepted one. */
  onconnection?: (error: number, handle: TcpHandle | undefined) => void;
  useUserBuffer(buffer: Uint8Array): void;
  readStart(): number;
  readStop(): number;
  writeLatin1String(request: object, text: string): number;
  writeBuffer(request: object, bytes: Uint8Array): number;
  shutdown(request: object): number;
  connect(request: object, address: string, port: number): number;
  connect6(request: object, address: string, port: number): number;
  setNoDelay(on: boolean): number;
  setKeepAlive(on: boolean, seconds: number): number;
  getpeername(into: object): number;
  getsockname(into: object): number;
  reset(done: () => void): number;
  close(): void;
}

/** A write under way; the runtime calls `oncomplete` unless it was complete at once. */
export interface WriteRequest {
  oncomplete: (this: WriteRequest, status: number) => void;
  /** Whose write it is, how much, and what must not be collected meanwhile. */
  owner: object | null;
  bytes: number;
  buffer: Uint8Array | null;
}

export interface RuntimeHandles {
  newSocket(): TcpHandle;
  newWrite(): WriteRequest;
  newShutdown(done: () => void): object;
  newConnect(done: (status: number) => void): object;
  /** What the last read and write came to. */
  readBytesOrError(): number;
  wasLastWriteAsync(): boolean;
  lastWriteBytes(): number;
}

interface Bindings {
  readonly TCP: new (type: number) => TcpHandle;
  readonly TCPConnectWrap: new () => { oncomplete: (status: number) => void };
  readonly constants: { readonly SOCKET: number };
  readonly WriteWrap: new () => WriteRequest;
  readonly ShutdownWrap: new () => { oncomplete: () => void };
  readonly streamBaseState: Int32Array;
  readonly kReadBytesOrError: number;
  readonly kLastWriteWasAsync: number;
  readonly kBytesWritten: number;
}

const METHODS = [
  'useUserBuffer',
  'readStart',
  'readStop',
  'writeLatin1String',
  'writeBuffer',
  'shutdown',
  'reset',
  'close',
];

function load(): RuntimeHandles | null {
  try {
    const { binding } = process as unknown as { binding(name: string): object };
    const found = { ...binding('tcp_wrap'), ...binding('stream_wrap') } as Bindings;
    const { TCP, TCPConnectWrap, constants, WriteWrap, ShutdownWrap, streamBaseState } = found;
    const { kReadBytesOrError, kLastWriteWasAsync, kBytesWritten } = found;
    const isAsExpected =
      METHODS.every(name => typeof Reflect.get(TCP.prototype, name) === 'function') &&
      [kReadBytesOrError, kLastWriteWasAsync, kBytesWritten].every(
        index => typeof streamBaseState[index] === 'number',
      );
    if (!isAsExpected) return null;
    return {
      newSocket: () => new TCP(constants.SOCKET),
      newWrite: () => new WriteWrap(),
      newShutdown: done => Object.assign(new ShutdownWrap(), { oncomplete: done }),
      newConnect: done => Object.assign(new TCPConnectWrap(), { oncomplete: done }),
      readBytesOrError: () => streamBaseState[kReadBytesOrError],
      wasLastWriteAsync: () => streamBaseState[kLastWriteWasAsync] !== 0,
      lastWriteBytes: () => streamBaseState[kBytesWritten],
    };
  } catch {
    return null;
  }
}

/** Null where the runtime's inside is not as expected, or where `OUTRIDER_PLAIN_SOCKETS=1` asks for public API alone. */
export const runtimeHandles: RuntimeHandles | null =
  process.env.OUTRIDER_PLAIN_SOCKETS === '1' ? null : load();
