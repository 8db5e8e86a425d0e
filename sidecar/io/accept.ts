import { createServer, type ListenOptions, type Server } from 'node:net';
import type { ByteSocket } from './byte-socket.ts';
import { HandleSocket, useHandles } from './handle-socket.ts';
import { runtimeHandles, type TcpHandle } from './runtime-handles.ts';
import { StreamSocket } from './stream-socket.ts';

/**
 * Makes a server that hands over what it accepts. Where the runtime's handles are to be had, they are taken over before the
 * server makes sockets of them.
 */
export function createAcceptor(onSocket: (socket: ByteSocket) => void): Server {
  const server = createServer({ allowHalfOpen: true }, socket => onSocket(new StreamSocket(socket)));
  server.on('listening', () => takeHandles(server, onSocket));
  return server;
}

function takeHandles(server: Server, onSocket: (socket: ByteSocket) => void): void {
  const listening = (server as unknown as { _handle?: TcpHandle | null })._handle ?? null;
  if (runtimeHandles === null || typeof listening?.onconnection !== 'function') return;
  const runtime = runtimeHandles;
  useHandles(runtime);
  // Linux hands the option down to what is accepted; elsewhere it has to be said each time.
  listening.setNoDelay(true);
  const inherits = process.platform === 'linux';
  listening.onconnection = (error, handle) => {
    if (error !== 0 || handle === undefined) return;
    if (!inherits) handle.setNoDelay(true);
    onSocket(new HandleSocket(runtime, handle));
  };
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
