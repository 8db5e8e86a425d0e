import {
  listOf,
  mapOf,
  optional,
  orNull,
  readJson,
  record,
  type Shaped,
  text,
  whole,
} from '../control-plane/contract/shape.ts';
import { lastLines, ProgramFailed, runProgram } from './run-program.ts';

/** What is read of `docker inspect`. */
const INSPECTED = listOf(
  record({
    Id: text(),
    Name: text(),
    State: record({
      Status: text(),
      ExitCode: whole({ minimum: -1 }),
      Health: optional(orNull(record({ Status: text() })), null),
    }),
    Config: record({ Image: text(), Labels: optional(orNull(mapOf(text())), null) }),
    NetworkSettings: record({
      Networks: optional(
        orNull(mapOf(record({ IPAddress: optional(text(), ''), GlobalIPv6Address: optional(text(), '') }))),
        null,
      ),
    }),
  }),
);

/** A container, as it was when it was looked at. */
export interface Container {
  readonly id: string;
  readonly name: string;
  /** `running`, `restarting`, `exited`, … */
  readonly status: string;
  readonly exitCode: number;
  /** What the engine's own check says; null where there is none. */
  readonly health: string | null;
  readonly image: string;
  /** The project and the service of compose that it belongs to; null where it is none of compose's. */
  readonly project: string | null;
  readonly service: string | null;
  /** Among those of its service, from 1. */
  readonly number: number;
  /** In all networks; none where it joined another container's. */
  readonly addresses: readonly string[];
}

const PROJECT_LABEL = 'com.docker.compose.project';
const SERVICE_LABEL = 'com.docker.compose.service';
const ONE_OFF_LABEL = 'com.docker.compose.oneoff';
const NUMBER_LABEL = 'com.docker.compose.container-number';

/**
 * The engine, by its own command: compose can neither stop nor remove one container out of several.
 */
export class Engine {
  private readonly environment: Readonly<Record<string, string | undefined>>;

  constructor(environment: Readonly<Record<string, string | undefined>>) {
    this.environment = environment;
  }

  /** The containers of some services, by service and number, those of `compose run` left out. @throws ProgramFailed */
  async containersOf(project: string, services: readonly string[]): Promise<Container[]> {
    const labels = [`${PROJECT_LABEL}=${project}`, `${ONE_OFF_LABEL}=False`];
    const filters = labels.flatMap(label => ['--filter', `label=${label}`]);
    const { stdout } = await this.run('ps', '-a', '-q', '--no-trunc', ...filters);
    const ids = stdout.split('\n').filter(line => line !== '');
    const all = (await this.inspect(ids)).sort((a, b) => a.number - b.number);
    return services.flatMap(service => all.filter(container => container.service === service));
  }

  /** Those that are gone are left out. @throws ProgramFailed */
  async inspect(ids: readonly string[]): Promise<Container[]> {
    if (ids.length === 0) return [];
    try {
      return readContainers((await this.run('inspect', '--type', 'container', ...ids)).stdout);
    } catch (error) {
      unlessGone(error);
      if (ids.length === 1) return [];
      const each = await Promise.all(ids.map(id => this.inspect([id])));
      return each.flat();
    }
  }

  /** Tells it to stop, and waits; it is killed after its own grace period. One that is gone has stopped. @throws ProgramFailed */
  async stop(id: string): Promise<void> {
    await this.run('stop', id).catch(unlessGone);
  }

  /** Those that are gone are left out. @throws ProgramFailed */
  async remove(ids: readonly string[]): Promise<void> {
    if (ids.length > 0) await this.run('rm', '-f', ...ids).catch(unlessGone);
  }

  /** What a container wrote last, indented; empty where that can't be known. */
  async lastWords(id: string): Promise<string> {
    try {
      const { stdout, stderr } = await this.run('logs', '--tail', '10', id);
      return lastLines(stdout + stderr);
    } catch {
      return '';
    }
  }

  private run(...args: string[]) {
    return runProgram(['docker', ...args], { environment: this.environment });
  }
}

function unlessGone(error: unknown): void {
  if (!(error instanceof ProgramFailed) || !/no such container/i.test(error.message)) throw error;
}

function readContainers(json: string): Container[] {
  return readJson(INSPECTED, json, 'what docker inspect prints').map(readContainer);
}

function readContainer(inspected: Shaped<typeof INSPECTED>[number]): Container {
  const { Id, Name, State, Config, NetworkSettings } = inspected;
  const networks = Object.values(NetworkSettings.Networks ?? {});
  return {
    id: Id,
    name: Name.replace(/^\//, ''),
    status: State.Status,
    exitCode: State.ExitCode,
    health: State.Health?.Status ?? null,
    image: Config.Image,
    project: Config.Labels?.[PROJECT_LABEL] ?? null,
    service: Config.Labels?.[SERVICE_LABEL] ?? null,
    number: Number(Config.Labels?.[NUMBER_LABEL] ?? 0),
    addresses: networks
      .flatMap(network => [network.IPAddress, network.GlobalIPv6Address])
      .filter(address => address !== ''),
  };
}
