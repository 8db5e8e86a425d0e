import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { InstanceResource } from '../../../control-plane/contract/answers.ts';
import type { MeshEvent } from '../../../control-plane/contract/resources.ts';
import { LOCK_FILE } from '../../../control-plane/store/directory-lock.ts';
import { closedPort } from './closed-port.ts';
import { MeshApp } from './mesh-app.ts';
import { type SidecarFileText, type SidecarOptions, SidecarProcess } from './sidecar-process.ts';
import { until } from './until.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

const HEALTH = { interval: '200ms', timeout: '5s' };

interface Wrapped {
  readonly file?: SidecarFileText;
  readonly environment?: NodeJS.ProcessEnv;
}

/** A connected sidecar as the control plane tells of it. */
export interface SidecarState {
  readonly sidecar: string;
  readonly applied: number;
  readonly services: readonly string[];
}

/** A control plane, sidecars and applications, each a process of its own. Close it at the end. */
export class MeshProcesses {
  readonly folder = mkdtempSync(join(tmpdir(), 'outrider-mesh-e2e-'));
  /** Lines that the control plane said, of all its lives. */
  readonly log: string[] = [];
  private controlPlane: ChildProcess | null = null;
  private readonly port: number;
  private readonly sidecars = new Set<SidecarProcess>();
  private readonly apps = new Set<MeshApp>();

  static async start(): Promise<MeshProcesses> {
    const mesh = new MeshProcesses(await closedPort());
    await mesh.startControlPlane();
    return mesh;
  }

  private constructor(port: number) {
    this.port = port;
    process.on('exit', this.killAtExit);
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  private get data(): string {
    return join(this.folder, 'data');
  }

  /** Starts it where it was before, with what is on its disk. */
  async startControlPlane(): Promise<void> {
    const program = ['--import', 'tsx', join(ROOT, 'bin/outrider.ts'), 'control-plane'];
    const args = [...program, '--listen', `127.0.0.1:${this.port}`, '--data', this.data];
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'ignore', 'pipe'] });
    this.controlPlane = child;
    let isReady = false;
    createInterface({ input: child.stderr! }).on('line', line => {
      this.log.push(line);
      isReady ||= line.includes('"msg":"ready"');
    });
    await until(
      () => {
        if (child.exitCode !== null) throw new Error(`the control plane has ended: ${this.log.join('\n')}`);
        return isReady;
      },
      'a ready control plane',
      30_000,
    );
  }

  /** Without a word. */
  async killControlPlane(): Promise<void> {
    const { controlPlane } = this;
    if (controlPlane === null || controlPlane.exitCode !== null || controlPlane.signalCode !== null) return;
    const exited = once(controlPlane, 'exit');
    controlPlane.kill('SIGKILL');
    await exited;
  }

  freezeControlPlane(): void {
    this.controlPlane!.kill('SIGSTOP');
  }

  thawControlPlane(): void {
    this.controlPlane!.kill('SIGCONT');
  }

  /** Copies its disk as it is now, for {@link restoreDisk}. To be called while it is down. */
  copyDisk(): void {
    // Sockets can't be copied, nor should a lock be.
    const filter = (path: string) => basename(path) !== LOCK_FILE;
    cpSync(this.data, `${this.data}.old`, { recursive: true, filter });
  }

  /** Puts the older disk back. To be called while it is down. */
  restoreDisk(): void {
    rmSync(this.data, { recursive: true });
    cpSync(`${this.data}.old`, this.data, { recursive: true });
  }

  /** @param file what its file says besides the control plane's address; snapshots are off unless it says where */
  async startSidecar(
    file: SidecarFileText = {},
    more: Pick<SidecarOptions, 'application' | 'environment'> = {},
  ): Promise<SidecarProcess> {
    const controlPlane = { url: this.url, snapshot: 'off', ...(file.controlPlane as object) };
    const accessLog = { format: 'off' };
    const sidecar = await SidecarProcess.start({
      file: { accessLog, ...file, controlPlane },
      ...more,
    });
    this.sidecars.add(sidecar);
    return sidecar;
  }

  /** Starts an application that nobody knows of yet. */
  async startApp(service: string, id: string, port?: number): Promise<MeshApp> {
    const app = await MeshApp.start(service, id, port);
    this.apps.add(app);
    return app;
  }

  /** Starts the sidecar that registers the application, and waits until it has. */
  async registerBySidecar(app: MeshApp): Promise<SidecarProcess> {
    const sidecar = await this.startSidecar({
      service: app.service,
      app: { port: app.port, health: HEALTH },
    });
    await this.isRegistered(app.service, app.port);
    return sidecar;
  }

  /** Runs `node PROGRAM SERVICE/ID PORT` by `outrider run`, and waits until it is registered. */
  async runWrapped(service: string, id: string, program: string, more: Wrapped = {}) {
    const { file = {}, environment = {} } = more;
    const port = await closedPort();
    const application = [process.execPath, program, `${service}/${id}`, String(port)];
    const sidecar = await this.startSidecar(
      { service, app: { port, health: HEALTH }, ...file },
      { application, environment },
    );
    await this.isRegistered(service, port);
    return sidecar;
  }

  private async isRegistered(service: string, port: number): Promise<void> {
    const isUp = async () =>
      (await this.instances(service)).some(one => one.port === port && one.status === 'up');
    await until(isUp, `the registration of ${service} at ${port}`);
  }

  /** Registers as an application that knows of the mesh does; the lease outlasts the test unless a `ttl` is given. */
  async register({ service, id, port }: MeshApp, ttl = '10m'): Promise<void> {
    await this.call('PUT', `/v1/services/${service}/instances/${id}`, { address: '127.0.0.1', port, ttl });
  }

  async deregister({ service, id }: MeshApp): Promise<void> {
    await this.call('DELETE', `/v1/services/${service}/instances/${id}`);
  }

  /** Removes whichever instance is registered there. */
  async deregisterAt(service: string, port: number): Promise<void> {
    const instance = (await this.instances(service)).find(one => one.port === port);
    if (instance !== undefined) await this.call('DELETE', `/v1/services/${service}/instances/${instance.id}`);
  }

  /** Returns when no caller picks the instance any more. @returns the callers that have not said so in time */
  async drain({ service, id }: MeshApp): Promise<readonly string[]> {
    const path = `/v1/services/${service}/instances/${id}/drain?wait=10s`;
    const { waitingFor } = (await this.call('POST', path)) as { waitingFor: string[] };
    return waitingFor;
  }

  async instances(service: string): Promise<readonly InstanceResource[]> {
    const answer = await fetch(`${this.url}/v1/services/${service}/instances`);
    return answer.status === 404 ? [] : ((await answer.json()) as { items: InstanceResource[] }).items;
  }

  async connected(): Promise<readonly SidecarState[]> {
    return ((await this.call('GET', '/v1/sidecars')) as { items: SidecarState[] }).items;
  }

  async revision(): Promise<number> {
    return ((await this.call('GET', '/healthz')) as { revision: number }).revision;
  }

  /** Kinds of events that were after a revision. */
  async eventsSince(revision: number): Promise<readonly string[]> {
    const { items } = (await this.call('GET', `/v1/events?since=${revision}`)) as { items: MeshEvent[] };
    return items.map(({ kind }) => kind);
  }

  async call(method: string, path: string, body?: object): Promise<unknown> {
    const answer = await fetch(this.url + path, {
      method,
      signal: AbortSignal.timeout(20_000),
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text === '' ? null : JSON.parse(text);
  }

  async close(): Promise<void> {
    await this.killControlPlane();
    await Promise.all([...this.sidecars].map(sidecar => sidecar.kill()));
    await Promise.all([...this.apps].map(app => app.kill()));
    process.off('exit', this.killAtExit);
    rmSync(this.folder, { recursive: true, force: true });
  }

  private readonly killAtExit = (): void => {
    this.controlPlane?.kill('SIGKILL');
  };
}
