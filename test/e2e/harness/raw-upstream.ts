import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { BulkReceiver } from './bulk.ts';
import { Changes } from './changes.ts';
import { type Message, MessageReader } from './message.ts';
import type { Ending } from './raw-client.ts';

/** What an upstream does with a request. */
export type OnRequest = (request: Message, connection: RawUpstreamConnection) => void;

export interface RawUpstreamOptions {
  /** Told of each complete request. */
  onRequest?: OnRequest;
  /** Told of each request as soon as its head is there; the body follows in `connection.reader`. */
  onHead?: OnRequest;
  /** Told of each connection. */
  onConnection?: (connection: RawUpstreamConnection) => void;
  port?: number;
}

/** An endpoint on a socket of its own, which answers byte by byte whatever a test wants. */
export class RawUpstream {
  /** Every complete request, in the order of arrival. */
  readonly requests: Message[] = [];
  /** Every connection that there was. */
  readonly connections: RawUpstreamConnection[] = [];
  readonly changes = new Changes();
  options: RawUpstreamOptions;
  private readonly server: Server;
  private readonly sockets = new Set<Socket>();

  static async start(options: RawUpstreamOptions | OnRequest = ok): Promise<RawUpstream> {
    const whole = typeof options === 'function' ? { onRequest: options } : options;
    const upstream = new RawUpstream(whole);
    await new Promise<void>((resolve, reject) => {
      upstream.server.once('error', reject);
      upstream.server.listen(whole.port ?? 0, '127.0.0.1', resolve);
    });
    return upstream;
  }

  private constructor(options: RawUpstreamOptions) {
    this.options = options;
    this.server = createServer({ allowHalfOpen: true, noDelay: true }, socket => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      const connection = new RawUpstreamConnection(socket, this);
      this.connections.push(connection);
      this.options.onConnection?.(connection);
    });
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  /** Waits for the request with this target. */
  async requested(target: string, ms?: number): Promise<Message> {
    const find = () => this.requests.find(request => request.target === target);
    await this.changes.until(find, `the request for ${target}`, ms);
    return find()!;
  }

  /** Forgets what was received. */
  forget(): void {
    this.requests.length = 0;
    this.connections.length = 0;
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await new Promise(resolve => this.server.close(resolve));
  }
}

/** A connection of the sidecar's to an upstream. */
export class RawUpstreamConnection {
  readonly socket: Socket;
  readonly reader = new MessageReader();
  /** Bytes received so far. */
  received = 0;
  /** The sidecar has sent FIN or RST. */
  ending: Ending | null = null;
  /** Bytes are for nobody but the test: they are no requests (any more). */
  isRaw = false;
  private bulk: BulkReceiver | null = null;
  private readonly changes = new Changes();
  private headOf: Message | null = null;

  constructor(socket: Socket, upstream: RawUpstream) {
    this.socket = socket;
    socket.on('data', chunk => {
      this.received += chunk.length;
      if (this.bulk !== null) this.bulk.take(chunk);
      else this.reader.push(chunk);
      if (!this.isRaw) this.read(upstream);
      this.changes.notify();
    });
    socket.on('end', () => {
      this.ending ??= 'fin';
      this.changes.notify();
    });
    socket.on('error', () => {
      this.ending ??= 'reset';
      this.changes.notify();
    });
  }

  send(bytes: string | Buffer): this {
    if (typeof bytes === 'string') this.socket.write(bytes, 'latin1');
    else this.socket.write(bytes);
    return this;
  }

  /** Answers with a status and a body with its length. */
  answer(status: number, body = '', fields = ''): this {
    return this.send(`HTTP/1.1 ${status} X\r\nContent-Length: ${body.length}\r\n${fields}\r\n${body}`);
  }

  /** From here on, bytes are compared and counted instead of being kept. To be called when the head is there. */
  receiveBulk(start = 0): BulkReceiver {
    this.isRaw = true;
    this.bulk = new BulkReceiver(start);
    this.bulk.take(this.reader.takeRest());
    return this.bulk;
  }

  end(): void {
    this.socket.end();
  }

  close(): void {
    this.socket.destroy();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  /** Waits for the sidecar to end the connection. */
  async ended(ms?: number): Promise<Ending> {
    await this.changes.until(() => this.ending !== null, 'the end of the connection to the upstream', ms);
    return this.ending!;
  }

  /** Waits until the condition holds, looking whenever something has arrived. */
  async until(condition: () => unknown, what: string, ms?: number): Promise<void> {
    await this.changes.until(condition, what, ms);
  }

  /** Waits until so many bytes that belong to no request are pending, and takes them: for tunnels. */
  async bytes(count: number, ms?: number): Promise<Buffer> {
    const { reader } = this;
    await this.changes.until(
      () => reader.pending.length >= count || this.ending !== null,
      `${count} bytes`,
      ms,
    );
    const bytes = reader.pending.subarray(0, count);
    reader.pending = reader.pending.subarray(count);
    return bytes;
  }

  private read(upstream: RawUpstream): void {
    const { onHead, onRequest } = upstream.options;
    for (;;) {
      const request = this.reader.take(null);
      const head = request ?? this.reader.begun;
      if (head !== null && head !== this.headOf) {
        this.headOf = head;
        onHead?.(head, this);
      }
      if (request === null || this.isRaw) return;
      upstream.requests.push(request);
      upstream.changes.notify();
      onRequest?.(request, this);
    }
  }
}

/** Answers 200 with the path as its body. */
export function ok(request: Message, connection: RawUpstreamConnection): void {
  connection.answer(200, request.target);
}
