import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { Endpoint } from '../../../sidecar/upstream/endpoint.ts';
import { until } from '../until.ts';

/** What an endpoint does with a request as soon as it has its head. */
export type Script = (connection: EndpointConnection) => void;

export const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

/** An instance of a service over loopback that does what the test says, byte by byte. */
export class ScriptedEndpoint {
  readonly endpoint: Endpoint;
  /** All connections that were accepted, oldest first. */
  readonly connections: EndpointConnection[] = [];
  /** Null: the test answers by hand. */
  script: Script | null = null;
  private readonly server: Server;

  private constructor(server: Server, id: string) {
    this.server = server;
    const { port } = server.address() as AddressInfo;
    const place = { id, address: '127.0.0.1', port };
    this.endpoint = new Endpoint({ ...place, weight: 1, zone: null, version: null });
    server.on('connection', socket => this.connections.push(new EndpointConnection(socket, this)));
  }

  static async start(script: Script | null = null, id = 'a'): Promise<ScriptedEndpoint> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const endpoint = new ScriptedEndpoint(server, id);
    endpoint.script = script;
    return endpoint;
  }

  /** The connection that is accepted as the `n`th, from 0. */
  async accepted(n: number): Promise<EndpointConnection> {
    await until(() => this.connections.length > n, `connection ${n}`);
    return this.connections[n];
  }

  /** The head of the next request on the connection that is accepted as the `n`th. */
  async request(n = 0): Promise<string> {
    return (await this.accepted(n)).request();
  }

  get open(): number {
    return this.connections.filter(({ isOver }) => !isOver).length;
  }

  async close(): Promise<void> {
    for (const { socket } of this.connections) socket.destroy();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** A connection as the endpoint has it. */
export class EndpointConnection {
  readonly socket: Socket;
  /** What came and was not asked for yet. */
  received = '';
  /** The heads of requests, complete ones. */
  readonly heads: string[] = [];
  hasEnded = false;
  isOver = false;
  error: string | null = null;
  private asked = 0;

  constructor(socket: Socket, endpoint: ScriptedEndpoint) {
    this.socket = socket;
    socket.setEncoding('latin1');
    socket.on('data', (text: string) => {
      this.received += text;
      for (let end = this.headEnd(); end >= 0 && endpoint.script !== null; end = this.headEnd()) {
        this.heads.push(this.received.slice(0, end));
        this.received = this.received.slice(end);
        endpoint.script(this);
      }
    });
    socket.on('end', () => {
      this.hasEnded = true;
      this.isOver = true;
    });
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.error = error.code ?? error.message;
    });
    socket.on('close', () => {
      this.isOver = true;
    });
  }

  /** Waits for the head of a request, and takes it. */
  async request(): Promise<string> {
    await until(() => this.heads.length > this.asked || this.headEnd() >= 0 || this.isOver, 'a request');
    if (this.heads.length <= this.asked) {
      const end = this.headEnd();
      if (end < 0) throw new Error(`closed (${this.error}) instead of a request`);
      this.heads.push(this.received.slice(0, end));
      this.received = this.received.slice(end);
    }
    return this.heads[this.asked++];
  }

  write(text: string): void {
    this.socket.write(text, 'latin1');
  }

  /** FIN behind what was written. */
  end(text = ''): void {
    this.socket.end(text, 'latin1');
  }

  /** RST, at once. */
  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Waits until the other side has closed or ended the connection. */
  async over(): Promise<void> {
    await until(() => this.isOver, 'the end of the connection');
  }

  private headEnd(): number {
    const at = this.received.indexOf('\r\n\r\n');
    return at < 0 ? -1 : at + 4;
  }
}
