import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { REQUESTS, renderRequest } from './bench-requests.ts';
import { startProcess, stopProcess } from './child-processes.ts';
import type { TestedProxy } from './peers/tested-proxy.ts';
import { type Pinning, pinned } from './pinning.ts';

const READY_WITHIN_MS = 10_000;
const STOP_PATIENCE_MS = 10_000;

/** A proxy that runs and has answered its first request. */
export class RunningProxy {
  readonly port: number;
  /** From the start of the process to the first answer of an endpoint that came through it, in milliseconds. */
  readonly readyMs: number;
  /** Where it keeps its files. */
  readonly folder: string;
  private readonly child: ChildProcess;

  private constructor(child: ChildProcess, port: number, readyMs: number, folder: string) {
    this.child = child;
    this.port = port;
    this.readyMs = readyMs;
    this.folder = folder;
  }

  /** @param parent the folder in which the proxy gets one of its own */
  static async start(
    proxy: TestedProxy,
    upstreams: readonly number[],
    pinning: Pinning | null,
    parent: string,
  ): Promise<RunningProxy> {
    mkdirSync(parent, { recursive: true });
    const folder = mkdtempSync(join(parent, `${proxy.name}-`));
    const [port, adminPort] = await freePorts(2);
    const command = pinned(proxy.prepare({ port, adminPort, upstreams, folder }), pinning, 'proxyCore');
    const errors = openSync(join(folder, 'stderr'), 'w');
    const startedAt = performance.now();
    const child = startProcess(command, ['ignore', 'ignore', errors], folder);
    closeSync(errors);
    try {
      await firstAnswer(child, port, startedAt + READY_WITHIN_MS);
    } catch (error) {
      await stopProcess(child, STOP_PATIENCE_MS);
      const said = readFileSync(join(folder, 'stderr'), 'utf8').trim().slice(-2000);
      throw new Error(`${proxy.name} did not start: ${(error as Error).message}\n${said}`);
    }
    return new RunningProxy(child, port, performance.now() - startedAt, folder);
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  stop(): Promise<void> {
    return stopProcess(this.child, STOP_PATIENCE_MS);
  }
}

/** Different ports of the loopback address that were free a moment ago. */
async function freePorts(count: number): Promise<number[]> {
  const servers: Server[] = [];
  for (let i = 0; i < count; i++) {
    servers.push(createServer().listen(0, '127.0.0.1'));
    await once(servers[i], 'listening');
  }
  const ports = servers.map(server => (server.address() as AddressInfo).port);
  await Promise.all(servers.map(server => new Promise(resolve => server.close(resolve))));
  return ports;
}

async function firstAnswer(child: ChildProcess, port: number, deadline: number): Promise<void> {
  let gone: string | null = null;
  child.once('exit', (code, signal) => {
    gone = `it ended with ${code ?? signal}`;
  });
  child.once('error', error => {
    gone = error.message;
  });
  while (!(await answers(port))) {
    if (gone !== null) throw new Error(gone);
    if (performance.now() > deadline) throw new Error(`no answer within ${READY_WITHIN_MS} ms`);
    await new Promise(resolve => setTimeout(resolve, 1));
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const socket = connect({ host: '127.0.0.1', port });
    socket.on('connect', () => socket.write(renderRequest(REQUESTS.small, true)));
    socket.on('data', chunk => {
      resolve(chunk.toString('latin1', 0, 12) === 'HTTP/1.1 200');
      socket.destroy();
    });
    socket.on('error', () => {});
    socket.on('close', () => resolve(false));
  });
}
