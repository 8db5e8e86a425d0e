import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';

/** A service of the shop in a process of its own, as its users start it. */
export class ServiceProcess {
  readonly url: string;
  readonly process: ChildProcess;
  readonly ended: Promise<unknown[]>;

  /** Starts it on a port of the kernel's choice and waits until it says that it listens. */
  static async start(service: string, env: Record<string, string>): Promise<ServiceProcess> {
    const file = fileURLToPath(new URL(`../../../../examples/shop/services/${service}.js`, import.meta.url));
    const child = spawn(process.execPath, [file], {
      env: { PORT: '0', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    for await (const chunk of child.stdout) {
      said += chunk;
      if (said.includes('\n')) break;
    }
    const address = / listens on (\S+)/.exec(said)?.[1];
    if (address === undefined) throw new Error(`${service} said: ${said}`);
    return new ServiceProcess(`http://${address}`, child);
  }

  private constructor(url: string, child: ChildProcess) {
    this.url = url;
    this.process = child;
    this.ended = once(child, 'exit');
  }

  async end(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.ended;
  }

  async request(method: string, path: string, body?: unknown): Promise<{ status: number; json: unknown }> {
    const response = await fetch(this.url + path, {
      method,
      body: body === undefined ? null : JSON.stringify(body),
      headers: { connection: 'close' },
    });
    return { status: response.status, json: await response.json() };
  }
}

/** What a fake neighbour was asked. */
export interface Asked {
  readonly method: string;
  /** The target as it stood in the request line. */
  readonly target: string;
  readonly host: string;
  readonly body: string;
}

/** Stands in for whatever is at the other end of a service's calls, and notes what arrives there. */
export class FakeNeighbour {
  readonly asked: Asked[] = [];
  private readonly server: Server;
  private readonly answer: (asked: Asked, response: ServerResponse) => void;

  static async start(answer: (asked: Asked, response: ServerResponse) => void): Promise<FakeNeighbour> {
    const neighbour = new FakeNeighbour(answer);
    neighbour.server.listen(0, '127.0.0.1');
    await once(neighbour.server, 'listening');
    return neighbour;
  }

  private constructor(answer: (asked: Asked, response: ServerResponse) => void) {
    this.answer = answer;
    this.server = createServer((request, response) => this.receive(request, response));
  }

  get url(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  async end(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }

  private async receive(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let body = '';
    for await (const chunk of request) body += chunk;
    const asked = {
      method: request.method ?? '',
      target: request.url ?? '',
      host: request.headers.host ?? '',
      body,
    };
    this.asked.push(asked);
    this.answer(asked, response);
  }
}
