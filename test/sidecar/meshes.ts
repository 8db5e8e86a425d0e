import { mkdtempSync, rmSync } from 'node:fs';
import { type Agent, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tokens } from '../../control-plane/api/access-control.ts';
import { parseYaml } from '../../control-plane/contract/yaml-source.ts';
import { ControlPlane } from '../../control-plane/control-plane.ts';
import { MemoryStore } from '../../control-plane/store/memory-store.ts';
import type { Store } from '../../control-plane/store/store.ts';
import { loadSidecarConfig } from '../../sidecar/config/load.ts';
import { Sidecar } from '../../sidecar/sidecar.ts';
import { RecordedLog } from './recorded-log.ts';

/** A control plane and sidecars in this process, on real sockets. Close it at the end. */
export class TestMesh {
  readonly log = new RecordedLog();
  readonly folder = mkdtempSync(join(tmpdir(), 'outrider-mesh-'));
  controlPlane: ControlPlane | null = null;
  private port = 0;
  private readonly sidecars: Sidecar[] = [];

  /** @param store what it begins with; the address stays the same each time */
  async startControlPlane(
    store: Store = new MemoryStore(),
    services: Record<string, object> = {},
    tokens: Tokens = { admin: null, sidecar: null },
  ): Promise<void> {
    this.controlPlane = await ControlPlane.start({
      listen: { host: '127.0.0.1', port: this.port },
      tokens,
      rateLimit: { perSecond: 10_000, burst: 10_000 },
      connections: 100,
      onConnectionRefused() {},
      onNotice() {},
      onKeeping() {},
      store,
      services: services as never,
      version: 'test',
      onError: () => {},
    });
    this.port = this.controlPlane.address.port;
  }

  async stopControlPlane(): Promise<void> {
    await this.controlPlane?.stop();
    this.controlPlane = null;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Starts a sidecar. @param file what its file says besides the control plane's address */
  async startSidecar(file: Record<string, unknown> = {}): Promise<TestSidecar> {
    const yaml = JSON.stringify({
      controlPlane: { url: this.url, snapshot: 'off', ...(file.controlPlane as object) },
      admin: { listen: 'off' },
      accessLog: { format: 'off' },
      stop: { quiet: '0s' },
      ...without(file, 'controlPlane', 'egress'),
      egress: { listen: '127.0.0.1:0', ...(file.egress as object) },
    });
    const source = parseYaml('file', Buffer.from(yaml), {});
    const { value, problems } = loadSidecarConfig({ file: source, overrides: [] });
    if (value === null) throw new Error(JSON.stringify(problems));
    const sidecar = await Sidecar.start(value, {
      log: this.log.log,
      version: 'test',
      accessLog: { write() {}, dropped: 0 },
    });
    this.sidecars.push(sidecar);
    return new TestSidecar(sidecar);
  }

  async call(method: string, path: string, body?: object): Promise<unknown> {
    const answer = await fetch(this.url + path, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  /** Registers what an application that knows of the mesh would register itself. */
  async register(service: string, id: string, port: number, more: object = {}): Promise<void> {
    await this.call('PUT', `/v1/services/${service}/instances/${id}`, {
      address: '127.0.0.1',
      port,
      ...more,
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.sidecars.map(sidecar => sidecar.stop()));
    await this.stopControlPlane();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export class TestSidecar {
  readonly sidecar: Sidecar;

  constructor(sidecar: Sidecar) {
    this.sidecar = sidecar;
  }

  /** A request by host name, on a connection of its own unless an agent is given. */
  get(host: string, { path = '/', method = 'GET', body, agent }: RequestParts = {}): Promise<TestAnswer> {
    const { port } = this.sidecar.egressAddress!;
    return new Promise((resolve, reject) => {
      const outgoing = request(
        { host: '127.0.0.1', port, path, method, headers: { host }, agent: agent ?? false },
        answer => {
          let text = '';
          answer.on('data', chunk => {
            text += chunk;
          });
          answer.on('error', reject);
          answer.on('end', () => {
            const error = answer.headers['x-outrider-error'] as string | undefined;
            resolve({ status: answer.statusCode!, text, error: error ?? null });
          });
        },
      );
      outgoing.on('error', reject);
      outgoing.end(body);
    });
  }
}

interface RequestParts {
  readonly path?: string;
  readonly method?: string;
  readonly body?: string;
  readonly agent?: Agent;
}

export interface TestAnswer {
  readonly status: number;
  readonly text: string;
  /** The code of the failure, where the sidecar answered itself. */
  readonly error: string | null;
}

function without(map: Record<string, unknown>, ...keys: string[]): Record<string, unknown> {
  return Object.fromEntries(Object.entries(map).filter(([key]) => !keys.includes(key)));
}
