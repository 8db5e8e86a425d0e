import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { LineSplitter } from '../../../control-plane/contract/line-splitter.ts';
import type { SidecarMessage, WatchMessage } from '../../../control-plane/contract/watch-messages.ts';

/** Stands where the control plane would, and says what the test says, right or wrong. */
export class WatchServer {
  readonly streams: ServedStream[] = [];
  /** The requests that asked for the watch. */
  readonly requests: IncomingMessage[] = [];
  /** What it refuses with, as an answer in full; null: it switches. */
  refusal: string | null = null;
  private readonly server: Server = createServer();

  static async start(): Promise<WatchServer> {
    const watch = new WatchServer();
    watch.server.on('upgrade', (request, socket: Socket) => watch.onUpgrade(request, socket));
    watch.server.listen(0, '127.0.0.1');
    await once(watch.server, 'listening');
    return watch;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    const closed = once(this.server, 'close');
    this.server.close();
    for (const { socket } of this.streams) socket.destroy();
    this.server.closeAllConnections();
    await closed;
  }

  private onUpgrade(request: IncomingMessage, socket: Socket): void {
    this.requests.push(request);
    socket.on('error', () => {});
    if (this.refusal !== null) return void socket.end(this.refusal);
    socket.write(
      'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: outrider-watch\r\n\r\n',
    );
    this.streams.push(new ServedStream(socket));
  }
}

export class ServedStream {
  readonly socket: Socket;
  readonly heard: SidecarMessage[] = [];
  isClosed = false;

  constructor(socket: Socket) {
    this.socket = socket;
    const splitter = new LineSplitter(1024 * 1024);
    socket.on('data', chunk => {
      for (const line of splitter.push(chunk) ?? []) this.heard.push(JSON.parse(line));
    });
    // An HTTP server lets its connections be half open.
    socket.on('end', () => socket.destroy());
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  tell(...messages: WatchMessage[]): void {
    this.socket.write(messages.map(message => `${JSON.stringify(message)}\n`).join(''));
  }

  ofType<T extends SidecarMessage['type']>(type: T): (SidecarMessage & { type: T })[] {
    return this.heard.filter((message): message is SidecarMessage & { type: T } => message.type === type);
  }
}
