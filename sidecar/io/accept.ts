import { createServer, type ListenOptions, type Server, Socket } from 'node:net';
import { READ_BUFFER } from './shared-buffers.ts';

/** An accepted socket that reads into the shared buffer. */
export interface AcceptedSocket {
  readonly socket: Socket;
  /** Told of every read; the bytes are valid during the call. To be set before the first turn of the loop ends. */
  onRead: (length: number, bytes: Buffer) => void;
}

/** The part of the runtime's server that has no public API: where accepted handles arrive. */
interface HandleServer {
  _handle: {
    onconnection: ((this: unknown, error: number, handle: object | undefined) => void) | undefined;
  } | null;
}

/**
 * Makes a server whose sockets read into the shared buffer. `net.connect` has `onread` for that, `net.createServer` has
 * not, so accepted handles are taken over before the server makes sockets of them. Without it each read allocates a
 * buffer of its own, which was measured to cost 4 to 10 % of a small request. Where the runtime's inside looks other
 * than expected, sockets are taken as the server makes them.
 */
export function createAcceptor(onSocket: (accepted: AcceptedSocket) => void): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
    const accepted: AcceptedSocket = { socket, onRead() {} };
    socket.on('data', (chunk: Buffer) => accepted.onRead(chunk.length, chunk));
    onSocket(accepted);
  });
  server.on('listening', () => takeHandles(server, onSocket));
  return server;
}

function takeHandles(server: Server, onSocket: (accepted: AcceptedSocket) => void): void {
  const inside = (server as unknown as HandleServer)._handle;
  if (inside === null || typeof inside?.onconnection !== 'function') return;
  inside.onconnection = (error, handle) => {
    if (error !== 0 || handle === undefined) return;
    const accepted: AcceptedSocket = { socket: adopt(handle, () => accepted), onRead() {} };
    onSocket(accepted);
  };
}

function adopt(handle: object, accepted: () => AcceptedSocket): Socket {
  const options = {
    handle,
    allowHalfOpen: true,
    readable: true,
    writable: true,
    onread: {
      buffer: READ_BUFFER,
      callback: (length: number, bytes: Buffer) => {
        accepted().onRead(length, bytes);
        return true;
      },
    },
  };
  const socket = new Socket(options as ConstructorParameters<typeof Socket>[0]);
  socket.setNoDelay(true);
  return socket;
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
