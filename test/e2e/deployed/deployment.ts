import { spawnSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { stringify } from 'yaml';
import { buildBundle } from '../../../tools/build.ts';
import { makeCleanCopy } from '../../docs/clean-copy.ts';
import { ROOT } from '../../tools/repository-files.ts';
import { closedPort } from '../harness/closed-port.ts';
import { until } from '../harness/until.ts';
import { type Engine, type EngineEnvironment, run } from './engine.ts';
import { importNodeImage } from './node-image.ts';

const UP_MS = 120_000;

/** An instance as the control plane shows it. */
interface Instance {
  readonly id: string;
  readonly status: string;
  readonly lease: string;
}

/** The compose file of the repository, deployed under a project name of its own, from a clean copy. */
export class Deployment {
  /** Where the compose file is. */
  readonly folder: string;
  /** For all that calls the engine for this deployment; names the project, its files, its images, its ports. */
  readonly environment: EngineEnvironment;
  readonly gatewayUrl: string;
  readonly controlPlaneUrl: string;
  /** An image with Node, in versions 1 and 2, which differ in their names only. */
  readonly nodeImage: string;
  private readonly engine: Engine;
  private readonly project: string;
  private readonly changes = new Map<string, object>();
  private isClosed = false;

  /** Makes the images; starts nothing yet. */
  static async prepare(engine: Engine): Promise<Deployment> {
    const deployment = new Deployment(engine, await closedPort(), await closedPort());
    try {
      await importNodeImage(engine, `${deployment.nodeImage}:1`);
      await deployment.docker('tag', `${deployment.nodeImage}:1`, `${deployment.nodeImage}:2`);
      await buildBundle(ROOT, join(deployment.folder, 'dist'));
      await deployment.compose('build');
      return deployment;
    } catch (error) {
      await deployment.close();
      throw error;
    }
  }

  private constructor(engine: Engine, gatewayPort: number, controlPlanePort: number) {
    this.engine = engine;
    this.folder = makeCleanCopy();
    this.project = `outrider-test-${process.pid}`;
    this.nodeImage = `${this.project}-node`;
    this.gatewayUrl = `http://127.0.0.1:${gatewayPort}`;
    this.controlPlaneUrl = `http://127.0.0.1:${controlPlanePort}`;
    this.environment = {
      ...engine.environment,
      COMPOSE_PROJECT_NAME: this.project,
      COMPOSE_FILE: 'docker-compose.yml:changes.yml',
      NODE_IMAGE: `${this.nodeImage}:1`,
      OUTRIDER_IMAGE: this.image,
      OUTRIDER_BUNDLE: 'host',
      OUTRIDER_ACCESS_LOG: 'off',
      SHOP_PORT: String(gatewayPort),
      CONTROL_PLANE_PORT: String(controlPlanePort),
    };
    this.change('control-plane', {});
    process.on('exit', this.removeContainers);
  }

  /** Outrider's. */
  get image(): string {
    return `${this.project}-outrider`;
  }

  get composeCommand(): readonly string[] {
    return this.engine.compose;
  }

  docker(...args: string[]): Promise<string> {
    return run(['docker', ...args], { env: this.environment });
  }

  compose(...args: string[]): Promise<string> {
    return run([...this.engine.compose, ...args], { env: this.environment, cwd: this.folder });
  }

  /** Rolls a service out, with the program as it is built. @throws Error with all that it printed, where it fails */
  rollOut(service: string, ...flags: string[]): Promise<string> {
    const program = join(this.folder, 'dist', 'outrider.js');
    const own = ['--compose', this.engine.compose.join(' '), '--control-plane', this.controlPlaneUrl];
    const command = [process.execPath, program, 'rollout', service, ...own, ...flags];
    return run(command, { env: this.environment, cwd: this.folder });
  }

  /** Changes what the compose file says of a service, in a second file beside it. Nothing happens before `up`. */
  change(service: string, settings: object): void {
    this.changes.set(service, settings);
    writeFileSync(
      join(this.folder, 'changes.yml'),
      stringify({ services: Object.fromEntries(this.changes) }),
    );
  }

  /** The containers of a compose service that run. */
  async containersOf(service: string): Promise<string[]> {
    const filters = [
      `label=com.docker.compose.project=${this.project}`,
      `label=com.docker.compose.service=${service}`,
    ];
    const ids = await this.docker('ps', '-q', ...filters.flatMap(filter => ['--filter', filter]));
    return ids.split('\n').filter(id => id !== '');
  }

  /** Kills the first process of a container from outside, as the kernel does where memory runs out: the engine is not asked. */
  async killProcessOf(container: string): Promise<void> {
    const pid = (await this.docker('inspect', '-f', '{{.State.Pid}}', container)).trim();
    const kill = ['node', '-e', `process.kill(${pid}, 'SIGKILL')`];
    await this.docker(
      'run',
      '--rm',
      '--network',
      'none',
      '--pid',
      'host',
      '--user',
      '0',
      `${this.nodeImage}:1`,
      ...kill,
    );
  }

  /** What the engine knows of a container's process, such as `StartedAt`. */
  async stateOf(container: string, what: string): Promise<string> {
    return (await this.docker('inspect', '-f', `{{.State.${what}}}`, container)).trim();
  }

  /** The instances of a service that callers are told of, and whose leases are kept. */
  async instancesOf(service: string): Promise<string[]> {
    try {
      const answer = await fetch(`${this.controlPlaneUrl}/v1/services/${service}/instances`);
      if (!answer.ok) return [];
      const { items } = (await answer.json()) as { items: Instance[] };
      return items
        .filter(({ status, lease }) => status === 'up' && lease === 'kept')
        .map(({ id }) => id)
        .sort();
    } catch {
      return [];
    }
  }

  /** Waits until a service has that many instances, none of which is one of `gone`. */
  async untilUp(service: string, count: number, gone: readonly string[] = []): Promise<void> {
    const isSo = async () => {
      const ids = await this.instancesOf(service);
      return ids.length === count && !ids.some(id => gone.includes(id));
    };
    await until(isSo, `${count} instances of ${service}`, UP_MS);
  }

  /** What the containers have written. */
  logs(): Promise<string> {
    return this.compose('logs', '--no-color');
  }

  /** Removes all of it: containers, volumes, images, files. */
  async close(): Promise<void> {
    if (this.isClosed) return;
    await this.compose('down', '-v', '--remove-orphans');
    await this.docker(
      'rmi',
      '-f',
      this.image,
      `${this.image}:2`,
      `${this.nodeImage}:1`,
      `${this.nodeImage}:2`,
    ).catch(() => {});
    this.isClosed = true;
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** What is left to do where the test is ended before it has closed the deployment. */
  private readonly removeContainers = () => {
    if (this.isClosed) return;
    const ask = (...args: string[]) =>
      spawnSync('docker', args, { env: this.environment, encoding: 'utf8', timeout: 30_000 });
    const ids = ask('ps', '-aq', '--filter', `label=com.docker.compose.project=${this.project}`).stdout;
    if (ids) ask('rm', '-f', ...ids.trim().split('\n'));
  };
}
