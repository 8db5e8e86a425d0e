import type { AddressInfo, Server } from 'node:net';
import { createAcceptor, listen } from '../io/accept.ts';
import type { ByteSocket } from '../io/byte-socket.ts';
import { DownstreamConnection } from './downstream-connection.ts';
import type { DownstreamContext, OpenConnection } from './downstream-context.ts';

/** The connections of all listeners together. */
type OpenConnections = Set<OpenConnection>;

/** One port on which applications call the sidecar. */
export class EgressListener {
  readonly host: string;
  /** The port it listens on, known also where any free one was asked for. */
  readonly port: number;
  private readonly server: Server;

  private constructor(host: string, server: Server) {
    this.host = host;
    this.server = server;
    this.port = (server.address() as AddressInfo).port;
  }

  /** Listens on the address. Rejects with the system's error, such as `EADDRINUSE`. */
  static async open(
    host: string,
    port: number,
    context: DownstreamContext,
    connections: OpenConnections,
  ): Promise<EgressListener> {
    let actualPort = port;
    const server = createAcceptor(socket => accept(socket, actualPort, context, connections));
    await listen(server, { host, port, backlog: BACKLOG });
    const listener = new EgressListener(host, server);
    actualPort = listener.port;
    return listener;
  }

  /** Takes no more connections; those that are open stay. */
  close(): void {
    this.server.close();
  }
}

const BACKLOG = 1024;

function accept(
  socket: ByteSocket,
  port: number,
  context: DownstreamContext,
  connections: OpenConnections,
): void {
  if (connections.size >= context.limits.connections) {
    context.counters.connectionsRefused++;
    context.onConnectionRefused();
    socket.destroy();
    return;
  }
  connections.add(new DownstreamConnection(socket, port, context));
}
