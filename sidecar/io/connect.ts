import { lookup } from 'node:dns';
import { connect as connectStream, isIP, isIPv6 } from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { ByteSocket } from './byte-socket.ts';
import { HandleSocket, useHandles } from './handle-socket.ts';
import { type RuntimeHandles, runtimeHandles } from './runtime-handles.ts';
import { StreamSocket } from './stream-socket.ts';

/** Told how connecting went: one of the two, in a later turn. */
export interface ConnectListener {
  onSocket(socket: ByteSocket): void;
  /** @param reason the system's name for it, such as `ECONNREFUSED` */
  onFailed(reason: string): void;
}

/** Gives up; the listener is told nothing more. */
export type AbortConnect = () => void;

/**
 * Connects to a host and port. A name is looked up anew each time, and its addresses are tried in the order in which the
 * system gives them.
 */
export function connect(host: string, port: number, listener: ConnectListener): AbortConnect {
  if (runtimeHandles === null) return connectByStream(host, port, listener);
  return new Connecting(runtimeHandles, host, port, listener).abort;
}

class Connecting {
  private readonly runtime: RuntimeHandles;
  private readonly port: number;
  private readonly listener: ConnectListener;
  private isOver = false;
  private close: () => void = () => {};

  constructor(runtime: RuntimeHandles, host: string, port: number, listener: ConnectListener) {
    this.runtime = runtime;
    this.port = port;
    this.listener = listener;
    useHandles(runtime);
    if (isIP(host) !== 0) this.tryEach([host]);
    else this.look(host);
  }

  readonly abort = (): void => {
    this.isOver = true;
    this.close();
  };

  private look(host: string): void {
    lookup(host, { all: true }, (error, found) => {
      if (this.isOver) return;
      if (error !== null) this.fail(error.code ?? error.message);
      else this.tryEach(found.map(({ address }) => address));
    });
  }

  private tryEach(addresses: readonly string[]): void {
    const [address, ...others] = addresses;
    const handle = this.runtime.newSocket();
    this.close = () => handle.close();
    const onDone = (status: number) => {
      if (this.isOver) return;
      if (status === 0) {
        this.isOver = true;
        this.close = () => {};
        handle.setNoDelay(true);
        this.listener.onSocket(new HandleSocket(this.runtime, handle));
        return;
      }
      handle.close();
      this.close = () => {};
      if (others.length > 0) this.tryEach(others);
      else this.fail(getSystemErrorName(status));
    };
    const request = this.runtime.newConnect(onDone);
    const error = isIPv6(address)
      ? handle.connect6(request, address, this.port)
      : handle.connect(request, address, this.port);
    if (error !== 0) process.nextTick(onDone, error);
  }

  private fail(reason: string): void {
    this.isOver = true;
    this.listener.onFailed(reason);
  }
}

function connectByStream(host: string, port: number, listener: ConnectListener): AbortConnect {
  const socket = connectStream({ host, port, allowHalfOpen: true });
  const onError = (error: Error & { code?: string }) => listener.onFailed(error.code ?? error.message);
  socket.once('error', onError);
  socket.once('connect', () => {
    const connected = new StreamSocket(socket);
    socket.off('error', onError);
    listener.onSocket(connected);
  });
  return () => {
    socket.off('error', onError);
    socket.on('error', () => {});
    socket.destroy();
  };
}
