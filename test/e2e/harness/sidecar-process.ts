import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import type { AccessLogLine } from '../../../sidecar/telemetry/access-log-entry.ts';
import { problemOf } from '../../sentences.ts';
import { endsWithTests } from './ends-with-tests.ts';
import { MetricsText } from './metrics-text.ts';
import { until, within } from './until.ts';

const ROOT = fileURLToPath(new URL('../../..', import.meta.url));

/** What a sidecar file says; JSON is YAML. */
export type SidecarFileText = Readonly<Record<string, unknown>>;

export interface SidecarOptions {
  /** What the file says beside the ports of the harness's own choice; null: no file. */
  file?: SidecarFileText | null;
  flags?: readonly string[];
  environment?: NodeJS.ProcessEnv;
  /** False: nobody reads what it writes to standard output. */
  readsAccessLog?: boolean;
  /** A shell command that `exec`s its arguments, to start the sidecar in. */
  shell?: string;
  /**
   * The application to run: `outrider run`, instead of `outrider sidecar`. What it writes to standard output is in
   * {@link SidecarProcess.complaints}.
   */
  application?: readonly string[];
}

/** A line of the operational log. */
export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly pid?: number;
  readonly egress?: readonly string[];
  readonly admin?: { readonly host: string; readonly port: number };
}

/** What `GET /v1/upstreams` tells of one. */
export interface UpstreamState {
  readonly name: string;
  readonly requests: number;
  readonly inFlight: number;
  readonly retries: number;
  readonly staleReplays: number;
  readonly failures: Readonly<Record<string, number>>;
  readonly connections: {
    readonly open: number;
    readonly busy: number;
    readonly waiting: number;
    readonly held: number;
  };
  readonly endpoints: readonly {
    readonly id: string;
    readonly outstanding: number;
    readonly attempts: number;
    readonly failures: number;
    readonly idleConnections: number;
  }[];
}

/** What `GET /v1/config` tells. */
export interface ConfigState {
  readonly generation: number;
  readonly inForce: Readonly<Record<string, unknown>>;
  readonly needsRestart: readonly string[];
  readonly refused: { readonly at: string; readonly reason: string } | null;
}

/** A sidecar as a process, as users start it, on ports that were free. */
export class SidecarProcess {
  readonly child: ChildProcess;
  /** Lines of the operational log so far. */
  readonly log: LogLine[] = [];
  /** What it wrote and is no line of a log. */
  complaints = '';
  /** Lines of the access log so far. */
  accessLog: AccessLogLine[] = [];
  /** Details in the access log that are not in whole sentences. */
  private readonly misshapen: string[] = [];
  /** Of the upstreams that the file says, of which one may be told about where another stands in. */
  private readonly names: readonly string[];
  /** What it listens on, `host:port`, the shared port first. */
  egress: readonly string[] = [];
  private readonly folder: string;
  /** What the file says. */
  private written = '';
  private isInForce = false;
  private readonly exited: Promise<number | string>;

  static async start(options: SidecarOptions = {}): Promise<SidecarProcess> {
    const sidecar = new SidecarProcess(options);
    try {
      await until(
        () => {
          sidecar.assertRunning();
          return sidecar.log.some(({ msg }) => msg === 'ready');
        },
        'a ready sidecar',
        120_000,
      );
    } catch (error) {
      await sidecar.kill();
      throw error;
    }
    sidecar.egress = sidecar.readyLine.egress ?? [];
    return sidecar;
  }

  /** Starts one that may end before it is ready. */
  static async startOnly(options: SidecarOptions = {}): Promise<SidecarProcess> {
    return new SidecarProcess(options);
  }

  private constructor(options: SidecarOptions) {
    const { file = {}, flags = [], environment = {}, readsAccessLog = true, shell, application } = options;
    this.folder = mkdtempSync(join(tmpdir(), 'outrider-e2e-'));
    this.names = Object.keys(file?.upstreams ?? {});
    if (file !== null) this.write(file);
    this.isInForce = true;
    const config = file === null ? [] : ['--config', this.path];
    const name = application === undefined ? 'sidecar' : 'run';
    const wrapped = application === undefined ? [] : ['--', ...application];
    const program = ['--import', 'tsx', join(ROOT, 'bin/outrider.ts')];
    const command = [...program, name, ...config, ...flags, ...wrapped];
    const env = { ...process.env, ...environment };
    this.child =
      shell === undefined
        ? spawn(process.execPath, command, { cwd: ROOT, env })
        : spawn('/bin/sh', ['-c', shell, 'sh', process.execPath, ...command], { cwd: ROOT, env });
    endsWithTests(this.child);
    createInterface({ input: this.child.stderr! }).on('line', line => this.keep(line, this.log));
    if (readsAccessLog)
      createInterface({ input: this.child.stdout! }).on('line', line => {
        this.keep(line, this.accessLog);
        this.judge(this.accessLog.at(-1));
      });
    this.exited = once(this.child, 'exit').then(([code, signal]) => code ?? signal);
  }

  /** The shared port. */
  get port(): number {
    return Number(this.egress[0]!.split(':').at(-1));
  }

  get pid(): number {
    return this.child.pid!;
  }

  /** Of the application that it runs. */
  get applicationPid(): number {
    return this.log.find(({ msg }) => msg.startsWith('the application is started'))!.pid!;
  }

  get adminUrl(): string {
    return `http://127.0.0.1:${this.readyLine.admin!.port}`;
  }

  private get path(): string {
    return join(this.folder, 'outrider.yaml');
  }

  private get readyLine(): LogLine {
    return this.log.find(({ msg }) => msg === 'ready')!;
  }

  /** Changes the file without telling the sidecar. */
  write(file: SidecarFileText | string): void {
    this.isInForce = false;
    this.written = textOf(file);
    writeFileSync(`${this.path}.new`, this.written);
    renameSync(`${this.path}.new`, this.path);
  }

  removeFile(): void {
    rmSync(this.path);
  }

  /** Puts the file back as it was. */
  restoreFile(): void {
    writeFileSync(this.path, this.written);
  }

  /** Changes the file and waits until it is in force. */
  async reconfigure(file: SidecarFileText): Promise<void> {
    if (this.isInForce && this.written === textOf(file)) return;
    const { generation } = await this.config();
    this.write(file);
    this.child.kill('SIGHUP');
    let now = await this.config();
    const look = async () => {
      now = await this.config();
      return now.generation > generation;
    };
    await until(look, 'the new configuration').catch((error: Error) => {
      throw new Error(`${error.message}: ${now.refused?.reason}`);
    });
    this.isInForce = true;
  }

  async config(): Promise<ConfigState> {
    return (await this.adminJson('/v1/config')) as ConfigState;
  }

  async upstream(name = 'svc'): Promise<UpstreamState> {
    const all = (await this.adminJson('/v1/upstreams')) as UpstreamState[];
    return all.find(upstream => upstream.name === name)!;
  }

  async metrics(): Promise<MetricsText> {
    return new MetricsText(await (await fetch(`${this.adminUrl}/metrics`)).text());
  }

  async adminJson(path: string): Promise<unknown> {
    return await (await fetch(this.adminUrl + path)).json();
  }

  /** Waits for the line of the access log about the request with this path. */
  async logged(path: string): Promise<AccessLogLine> {
    const find = () => this.accessLog.find(line => line.path === path);
    await until(() => find() !== undefined, `a line of the access log for ${path}`);
    return find()!;
  }

  /** Waits until nothing is under way and no application connected. */
  async quiet(upstreams: readonly string[] = ['svc'], ms = 20_000): Promise<void> {
    const deadline = performance.now() + ms;
    for (;;) {
      const metrics = await this.metrics();
      const left = upstreams.map(upstream => [
        upstream,
        metrics.value('outrider_requests_in_flight', { upstream }),
        metrics.value('outrider_upstream_connections', { upstream, state: 'busy' }),
        metrics.value('outrider_upstream_pending', { upstream }),
      ]);
      const connections = metrics.value('outrider_downstream_connections');
      const tunnels = metrics.value('outrider_downstream_tunnels');
      const now = { left, connections, tunnels };
      const none = { left: upstreams.map(upstream => [upstream, 0, 0, 0]), connections: 0, tunnels: 0 };
      if (isDeepStrictEqual(now, none)) return;
      if (performance.now() > deadline) assert.deepEqual(now, none);
      await sleep(20);
    }
  }

  /** Tells it to stop, and waits. @returns the exit code or the name of the signal that ended it */
  async stop(signal: NodeJS.Signals = 'SIGTERM', ms = 15_000): Promise<number | string> {
    this.child.kill(signal);
    return await this.exit(ms);
  }

  /** Waits for its end. */
  async exit(ms = 15_000): Promise<number | string> {
    const code = await within(this.exited, 'the end of the sidecar', ms);
    this.cleanUp();
    return code;
  }

  /** Ends it at once. */
  async kill(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
    this.cleanUp();
  }

  assertRunning(): void {
    assert.equal(
      this.child.exitCode ?? this.child.signalCode,
      null,
      `the sidecar has ended: ${this.complaints}${JSON.stringify(this.log.at(-1))}`,
    );
  }

  /** Keeps a line of a log. The last one of a sidecar that was killed may be cut off. */
  private keep<Line>(line: string, log: Line[]): void {
    try {
      log.push(JSON.parse(line));
    } catch {
      this.complaints += `${line}\n`;
    }
  }

  /** What is said of a failure is in whole sentences, as far as it fits into the line. */
  private judge({ detail = '', upstream = '' }: Partial<AccessLogLine> = {}): void {
    if (detail === '' || detail.endsWith('…')) return;
    const problem = problemOf(detail, [upstream, ...this.names]);
    if (problem !== null) this.misshapen.push(`${problem}: ${detail}`);
  }

  private cleanUp(): void {
    // What an application takes for the end of whoever started it.
    this.child.stdin!.destroy();
    rmSync(this.folder, { recursive: true, force: true });
    assert.deepEqual(this.misshapen, []);
  }
}

function textOf(file: SidecarFileText | string): string {
  if (typeof file === 'string') return file;
  const egress = { listen: '127.0.0.1:0', ...(file.egress as object) };
  return JSON.stringify({ admin: { listen: '127.0.0.1:0' }, ...file, egress });
}
