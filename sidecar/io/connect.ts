import { connect as connectStream, isIP, isIPv6, type Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { ByteSocket } from './byte-socket.ts';
import { descriptors } from './descriptors.ts';
import { HandleSocket, useHandles } from './handle-socket.ts';
import { type HostLookup, hostLookup } from './host-lookup.ts';
import { type RuntimeHandles, runtimeHandles, type TcpHandle } from './runtime-handles.ts';
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
 * Connects to a host and port. A name is looked up, and its addresses are tried in the order in which they were found, the next
 * one as soon as one fails or is silent; the first to answer wins.
 */
export function connect(
  host: string,
  port: number,
  listener: ConnectListener,
  hosts: HostLookup = hostLookup,
): Connecting {
  // The runtime takes no name for a name of this machine; the root of DNS has no address.
  const name = host === '' ? '.' : host;
  if (runtimeHandles === null) return new StreamConnecting(name, port, listener, hosts);
  return new HandleConnecting(runtimeHandles, name, port, listener, hosts);
}

/** When an address has not answered for so long, the next one is tried beside it (RFC 8305 section 5). */
const NEXT_ADDRESS_MS = 250;

class HandleConnecting implements Connecting {
  isLookingUp = false;
  private readonly runtime: RuntimeHandles;
  private readonly port: number;
  private readonly listener: ConnectListener;
  private isOver = false;
  private stopLooking: () => void = () => {};
  /** Addresses that were not tried yet. */
  private left: string[] = [];
  private readonly pending = new Set<TcpHandle>();
  private timer: NodeJS.Timeout | null = null;

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
    this.end();
  }

  private look(host: string, hosts: HostLookup): void {
    this.isLookingUp = true;
    this.stopLooking = hosts.lookUp(host, (error, addresses) => {
      this.isLookingUp = false;
      if (error !== null) this.fail(error.message);
      else this.tryEach(addresses);
    });
  }

  private tryEach(addresses: readonly string[]): void {
    this.left = [...addresses];
    this.tryNext();
  }

  private tryNext(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    const address = this.left.shift();
    if (address === undefined) return;
    const handle = this.runtime.newSocket();
    this.pending.add(handle);
    const onDone = (status: number) => this.onDone(handle, status);
    const request = this.runtime.newConnect(onDone);
    const error = isIPv6(address)
      ? handle.connect6(request, address, this.port)
      : handle.connect(request, address, this.port);
    if (error !== 0) process.nextTick(onDone, error);
    if (this.left.length > 0) this.timer = setTimeout(() => this.tryNext(), NEXT_ADDRESS_MS);
  }

  private onDone(handle: TcpHandle, status: number): void {
    if (this.isOver) return;
    this.pending.delete(handle);
    if (status === 0) {
      this.end();
      handle.setNoDelay(true);
      this.listener.onSocket(new HandleSocket(this.runtime, handle));
      return;
    }
    handle.close();
    if (this.left.length > 0) this.tryNext();
    else if (this.pending.size === 0) this.fail(getSystemErrorName(status));
  }

  private fail(reason: string): void {
    this.end();
    if (descriptors.isShortage(reason)) descriptors.onShortage('connect');
    this.listener.onFailed(reason);
  }

  private end(): void {
    this.isOver = true;
    this.stopLooking();
    if (this.timer !== null) clearTimeout(this.timer);
    for (const handle of this.pending) handle.close();
    this.pending.clear();
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
