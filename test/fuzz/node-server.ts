import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { type AddressInfo, connect, type Socket } from 'node:net';

/** A complete request as node:http saw it. Texts are latin1. */
export interface SeenRequest {
  readonly method: string;
  readonly url: string;
  /** `[name, value, …]` as received. */
  readonly fields: string[];
  readonly body: string;
  readonly trailers: string[];
}

/** What node:http made of the bytes of one connection. */
export interface SeenConnection {
  readonly requests: SeenRequest[];
  /** The code of the error that ended it, or null. */
  readonly error: string | null;
}

interface Connection {
  readonly requests: { readonly message: IncomingMessage; readonly chunks: Buffer[] }[];
  error: string | null;
}

/** node:http's server with its strict parser, asked how it reads bytes. */
export class NodeServer {
  private readonly server: Server;
  private readonly connections = new Map<number | undefined, Connection>();

  private constructor() {
    this.server = createServer({ insecureHTTPParser: false, keepAliveTimeout: 0 });
    this.server.on('request', (message, response) => {
      this.note(message);
      message.once('end', () => response.end());
    });
    this.server.on('checkContinue', (message, response) => this.server.emit('request', message, response));
    this.server.on('checkExpectation', (message, response) => this.server.emit('request', message, response));
    this.server.on('connect', (message, socket) => {
      this.note(message);
      socket.end();
    });
    this.server.on('clientError', (error: NodeJS.ErrnoException, socket) => {
      this.connectionOf(socket as Socket).error = error.code ?? error.message;
      // Requests that were complete before the error are told of first.
      setImmediate(() => socket.destroy());
    });
  }

  static async start(): Promise<NodeServer> {
    const made = new NodeServer();
    made.server.listen(0, '127.0.0.1');
    await once(made.server, 'listening');
    return made;
  }

  /** Sends the bytes (latin1) over a connection of their own, and its end after them. */
  async see(bytes: string): Promise<SeenConnection> {
    const { port } = this.server.address() as AddressInfo;
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    await once(socket, 'connect');
    const id = socket.localPort;
    socket.resume();
    socket.end(bytes, 'latin1');
    if (!socket.closed) await once(socket, 'close');
    const connection = this.connections.get(id) ?? { requests: [], error: null };
    this.connections.delete(id);
    return {
      requests: connection.requests.filter(({ message }) => message.complete).map(toSeen),
      error: connection.error,
    };
  }

  async stop(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private note(message: IncomingMessage): void {
    const chunks: Buffer[] = [];
    message.on('data', chunk => chunks.push(chunk));
    message.on('error', () => {});
    this.connectionOf(message.socket).requests.push({ message, chunks });
  }

  private connectionOf(socket: Socket): Connection {
    let connection = this.connections.get(socket.remotePort);
    if (connection === undefined) {
      connection = { requests: [], error: null };
      this.connections.set(socket.remotePort, connection);
    }
    return connection;
  }
}

function toSeen({ message, chunks }: { message: IncomingMessage; chunks: Buffer[] }): SeenRequest {
  return {
    method: message.method ?? '',
    url: message.url ?? '',
    fields: message.rawHeaders,
    body: Buffer.concat(chunks).toString('latin1'),
    trailers: message.rawTrailers,
  };
}
