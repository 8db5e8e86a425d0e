import { createServer, type ListenOptions, type Server, type Socket } from 'node:net';
import { getSystemErrorName } from 'node:util';
import type { ByteSocket } from './byte-socket.ts';
import { descriptors } from './descriptors.ts';
import { HandleSocket, useHandles } from './handle-socket.ts';
import { runtimeHandles, type TcpHandle } from './runtime-handles.ts';
import { StreamSocket } from './stream-socket.ts';

/**
 * Makes a server that hands over what it accepts. Where the runtime's handles are to be had, they are taken over before the
 * server makes sockets of them.
 */
export function createAcceptor(onSocket: (socket: ByteSocket) => void): Server {
  const server = createServer({ allowHalfOpen: true }, socket => {
    if (isRefused(handleOf(socket))) socket.destroy();
    else onSocket(new StreamSocket(socket));
  });
  server.on('listening', () => takeHandles(server, onSocket));
  // What can't be accepted is no reason to end: it goes on when there is room again.
  server.on('error', error => noteFailed((error as NodeJS.ErrnoException).code));
  return server;
}

function takeHandles(server: Server, onSocket: (socket: ByteSocket) => void): void {
  const listening = handleOf(server);
  if (runtimeHandles === null || typeof listening?.onconnection !== 'function') return;
  const runtime = runtimeHandles;
  useHandles(runtime);
  // Linux hands the option down to what is accepted; elsewhere it has to be said each time.
  listening.setNoDelay(true);
  const inherits = process.platform === 'linux';
  listening.onconnection = (error, handle) => {
    if (error !== 0 || handle === undefined) return noteFailed(getSystemErrorName(error));
    if (isRefused(handle)) return handle.close();
    if (!inherits) handle.setNoDelay(true);
    onSocket(new HandleSocket(runtime, handle));
  };
}

function handleOf(owner: Server | Socket): TcpHandle | null {
  return (owner as unknown as { _handle?: TcpHandle | null })._handle ?? null;
}

/** Whether a connection takes a descriptor that is kept for other things. */
function isRefused(handle: TcpHandle | null): boolean {
  const isLast = descriptors.isLastResort(handle?.fd ?? -1);
  if (isLast) descriptors.onShortage('accept');
  return isLast;
}

function noteFailed(code: string | undefined): void {
  if (descriptors.isShortage(code)) descriptors.onShortage('accept');
}

/** Listens and waits until it does. Rejects with the system's error, such as `EADDRINUSE`. */
export function listen(server: Server, options: ListenOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(options, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
