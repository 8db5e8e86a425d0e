import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An endpoint as applications have it: a server of Node's own. */
export class HttpUpstream {
  readonly server: Server;
  /** Requests that arrived. */
  requests = 0;
  /** Connections that were accepted. */
  connections = 0;

  static async start(listener: RequestListener, port = 0): Promise<HttpUpstream> {
    const upstream = new HttpUpstream(listener);
    await new Promise<void>((resolve, reject) => {
      upstream.server.once('error', reject);
      upstream.server.listen(port, '127.0.0.1', resolve);
    });
    return upstream;
  }

  private constructor(listener: RequestListener) {
    this.server = createServer({ noDelay: true }, (request, response) => {
      this.requests++;
      listener(request, response);
    });
    this.server.on('connection', () => this.connections++);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  get address(): string {
    return `127.0.0.1:${this.port}`;
  }

  async stop(): Promise<void> {
    if (!this.server.listening) return;
    const closed = new Promise(resolve => this.server.close(resolve));
    this.server.closeAllConnections();
    await closed;
  }
}
