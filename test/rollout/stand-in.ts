import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { ROLLOUT_COMMAND } from '../../rollout/rollout-command.ts';
import { runProgram } from '../../rollout/run-program.ts';
import { type Ran, runCommand } from '../control-plane/commands/command-runs.ts';
import { type RunningControlPlane, startControlPlane } from '../control-plane/running.ts';

/** How containers of a service start: whether the instance registers, and as what; or whether they end at once. */
type Start = 'up' | 'down' | 'silent' | 'exits' | 'restarts';

export interface Behaviour {
  /** By service of the compose file; `silent` where it is left out. */
  readonly starts?: Readonly<Record<string, Start>>;
  /** By service: what compose says instead of starting it. */
  readonly failingStart?: Readonly<Record<string, string>>;
  /** A service whose containers can not be stopped. */
  readonly failingStop?: string;
  /** How long `up` and `docker stop` take besides, in ms. */
  readonly slowStart?: number;
  readonly slowStop?: number;
  /** Whether `docker compose` is there. */
  readonly hasPlugin?: boolean;
  readonly invalidFile?: boolean;
}

/** By service of the compose file, that of the mesh that its containers are instances of. */
const SERVICES = { delivery: 'delivery', kitchen: 'cooking', 'kitchen-rollout': 'cooking' };

export const SHOP = {
  services: {
    delivery: { image: 'shop:1' },
    kitchen: { image: 'shop:1', network_mode: 'service:kitchen-sidecar', depends_on: ['kitchen-sidecar'] },
    'kitchen-sidecar': { image: 'outrider:1' },
  },
};

/** A project, in the hands of a compose and an engine that are none. */
export class StandIn {
  readonly api: RunningControlPlane;
  private readonly folder: string;

  private constructor(api: RunningControlPlane, folder: string) {
    this.api = api;
    this.folder = folder;
  }

  static async start(t: TestContext, file: object = SHOP): Promise<StandIn> {
    const folder = mkdtempSync(join(tmpdir(), 'outrider-rollout-'));
    t.after(() => rmSync(folder, { recursive: true, force: true }));
    const api = await startControlPlane(t);
    const programs = join(folder, 'bin');
    mkdirSync(programs);
    const script = fileURLToPath(new URL('stand-in-engine.mjs', import.meta.url));
    for (const name of ['docker', 'docker-compose']) {
      writeFileSync(join(programs, name), `#!/bin/sh\nexec '${process.execPath}' '${script}' ${name} "$@"\n`);
      chmodSync(join(programs, name), 0o755);
    }
    writeFileSync(join(folder, 'compose.yaml'), stringify(file));
    const standIn = new StandIn(api, folder);
    standIn.behave({});
    return standIn;
  }

  /** From now on. */
  behave(behaviour: Behaviour): void {
    const all = {
      starts: {},
      hasPlugin: false,
      services: SERVICES,
      ...behaviour,
      controlPlane: this.api.url,
    };
    writeFileSync(join(this.folder, 'behaviour.json'), JSON.stringify(all));
  }

  /** Takes a program off the path. */
  without(program: string): void {
    rmSync(join(this.folder, 'bin', program));
  }

  /** Runs `outrider rollout` in this process. */
  rollOut(...args: string[]): Promise<Ran> {
    return runCommand(ROLLOUT_COMMAND, [...args, '--control-plane', this.api.url], this.environment);
  }

  /** Runs `outrider rollout` in a process group of its own, as a shell does. */
  spawn(t: TestContext, ...args: string[]): ChildProcessWithoutNullStreams {
    const program = fileURLToPath(new URL('../../bin/outrider.js', import.meta.url));
    const line = [program, 'rollout', ...args, '--control-plane', this.api.url];
    const child = spawn(process.execPath, line, { env: this.environment, detached: true });
    t.after(() => child.kill('SIGKILL'));
    return child;
  }

  private get environment(): Record<string, string> {
    return {
      PATH: join(this.folder, 'bin'),
      STAND_IN: this.folder,
      DOCKER_HOST: `unix://${join(this.folder, 'socket')}`,
    };
  }

  /** Starts containers as `docker-compose up` does. */
  async up(service: string, scale = 1): Promise<void> {
    const compose = join(this.folder, 'bin', 'docker-compose');
    await runProgram([compose, 'up', '-d', '--scale', `${service}=${scale}`, service], {
      environment: this.environment,
    });
    rmSync(join(this.folder, 'calls'));
  }

  /** Takes a container away, as somebody else does meanwhile. */
  async remove(id: string): Promise<void> {
    await runProgram([join(this.folder, 'bin', 'docker'), 'rm', '-f', id], { environment: this.environment });
  }

  /** The calls that change something, since the last {@link up}. */
  get calls(): string[] {
    const path = join(this.folder, 'calls');
    return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n') : [];
  }

  /** `delivery_1 running`, … */
  get containers(): string[] {
    const state = JSON.parse(readFileSync(join(this.folder, 'state.json'), 'utf8'));
    return (state.containers as { name: string; number: number; status: string }[]).map(
      ({ name, number, status }) => `${name}_${number} ${status}`,
    );
  }

  /** `i1 up`, … */
  async instances(service: string): Promise<string[]> {
    const { body } = await this.api.call('GET', `/v1/services/${service}/instances`);
    return (body.items as { id: string; status: string }[]).map(({ id, status }) => `${id} ${status}`);
  }

  /** What happened in the mesh, in order: `registered i1`, `drained i1`, … */
  async events(): Promise<string[]> {
    const { body } = await this.api.call('GET', '/v1/events?limit=1000');
    return (body.items as { kind: string; instance: string }[]).map(
      ({ kind, instance }) => `${kind.replace('instance-', '')} ${instance}`,
    );
  }
}
