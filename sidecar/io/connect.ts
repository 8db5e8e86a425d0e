import { connect as connectStream, isIP, isIPv6, type Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { ByteSocket } from './byte-socket.ts';
import { descriptors } from './descriptors.ts';
import { HandleSocket, useHandles } from './handle-socket.ts';
import { type HostLookup, hostLookup } from './host-lookup.ts';
import { type RuntimeHandles, runtimeHandles } from './runtime-handles.ts';
import { StreamSocket } from './stream-socket.ts';

/** Told how connecting went: one of the two, in a later turn. */
export interface ConnectListener {
  onSocket(socket: ByteSocket): void;
  /** @param reason the system's name for it, such as `ECONNREFUSED`; for a name without an address a {@link LookUpError}'s message */
  onFailed(reason: string): void;
}

/** Connecting that is under way. */
export interface Connecting {
  /** The host's addresses are not known yet. */
  readonly isLookingUp: boolean;
  /** Gives up; the listener is told nothing more. */
  abort(): void;
}

/**
 * Connects to a host and port. A name is looked up, and its addresses are tried in the order in which they were found.
 */
export function connect(
  host: string,
  port: number,
  listener: ConnectListener,
  hosts: HostLookup = hostLookup,
): Connecting {
  if (runtimeHandles === null) return new StreamConnecting(host, port, listener, hosts);
  return new HandleConnecting(runtimeHandles, host, port, listener, hosts);
}

class HandleConnecting implements Connecting {
  isLookingUp = false;
  private readonly runtime: RuntimeHandles;
  private readonly port: number;
  private readonly listener: ConnectListener;
  private isOver = false;
  private close: () => void = () => {};

  constructor(
    runtime: RuntimeHandles,
    host: string,
    port: number,
    listener: ConnectListener,
    hosts: HostLookup,
  ) {
    this.runtime = runtime;
    this.port = port;
    this.listener = listener;
    useHandles(runtime);
    if (isIP(host) !== 0) this.tryEach([host]);
    else this.look(host, hosts);
  }

  abort(): void {
    this.isOver = true;
    this.close();
  }

  private look(host: string, hosts: HostLookup): void {
    this.isLookingUp = true;
    this.close = hosts.lookUp(host, (error, addresses) => {
      this.isLookingUp = false;
      if (error !== null) this.fail(error.message);
      else this.tryEach(addresses);
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
    if (descriptors.isShortage(reason)) descriptors.onShortage('connect');
    this.listener.onFailed(reason);
  }
}

class StreamConnecting implements Connecting {
  isLookingUp: boolean;
  private readonly socket: Socket;
  private readonly listener: ConnectListener;

  constructor(host: string, port: number, listener: ConnectListener, hosts: HostLookup) {
    this.listener = listener;
    this.isLookingUp = isIP(host) === 0;
    this.socket = connectStream({ host, port, allowHalfOpen: true, lookup: hosts.lookup });
    this.socket.once('lookup', () => {
      this.isLookingUp = false;
    });
    this.socket.once('error', this.onError);
    this.socket.once('connect', () => {
      const connected = new StreamSocket(this.socket);
      this.socket.off('error', this.onError);
      this.listener.onSocket(connected);
    });
  }

  abort(): void {
    this.socket.off('error', this.onError);
    this.socket.on('error', () => {});
    this.socket.destroy();
  }

  private readonly onError = (error: Error & { code?: string }): void => {
    if (descriptors.isShortage(error.code)) descriptors.onShortage('connect');
    const isFromLookUp = error.code === 'ENOTFOUND' || error.code === 'EAI_AGAIN';
    this.listener.onFailed(isFromLookUp ? error.message : (error.code ?? error.message));
  };
}
