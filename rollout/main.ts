import { didYouMean, sourceOf } from '../command-line/arguments.ts';
import type { Host, Invocation } from '../command-line/command.ts';
import { refuseUsage } from '../command-line/refuse-usage.ts';
import { ApiClient, CallFailed } from '../control-plane/commands/api-client.ts';
import { LONGEST_TIMER_MS, parseDuration } from '../control-plane/contract/duration.ts';
import { endProcess } from '../process/process-end.ts';
import { Compose, type ComposeFlags } from './compose.ts';
import type { ComposeFile, Group } from './compose-file.ts';
import { Engine } from './engine.ts';
import { MeshInstances } from './mesh-instances.ts';
import { findObstacles } from './obstacles.ts';
import { RolloutFailed, type RolloutTools } from './replacement.ts';
import { rollOutPair, rollOutReplicas } from './rollout.ts';
import { RolloutLock } from './rollout-lock.ts';
import { ProgramFailed } from './run-program.ts';

/** Rolls out what a command line asks for. @returns the exit code */
export async function runRollout(invocation: Invocation, host: Host): Promise<number> {
  const request = readRequest(invocation);
  if (typeof request === 'string') return refuseUsage(host, 'rollout', [request]);
  const interruption = new Interruption(host);
  try {
    return await rollOut(request, host, interruption.signal);
  } catch (error) {
    const isKnown =
      error instanceof RolloutFailed || error instanceof CallFailed || error instanceof ProgramFailed;
    if (!isKnown && (error as Error).name !== 'AbortError') throw error;
    host.complain(isKnown ? `${error.message}\n` : 'interrupted\n');
    return 1;
  } finally {
    interruption.end();
  }
}

interface Request {
  readonly service: string;
  readonly scale: number | null;
  readonly isDryRun: boolean;
  readonly timeout: number;
  readonly drainTimeout: number;
  readonly compose: ComposeFlags;
  readonly client: ApiClient;
}

/** @returns what is wrong, where something is */
function readRequest(invocation: Invocation): Request | string {
  const { flags, operands } = invocation;
  const [service, ...more] = operands;
  if (service === undefined || more.length > 0)
    return `expected one service, found ${operands.length === 0 ? 'none' : operands.join(' ')}: outrider rollout SERVICE`;
  const given = (name: string) => flags.get(name)?.values[0] ?? null;
  const times: number[] = [];
  for (const [name, otherwise] of [
    ['timeout', '1m'],
    ['drain-timeout', '30s'],
  ] as const) {
    const text = given(name) ?? otherwise;
    const time = parseDuration(text);
    if (time === null || time > LONGEST_TIMER_MS)
      return `${sourceOf(flags, name)}: expected a duration such as 30s, found ${JSON.stringify(text)}`;
    times.push(time);
  }
  const scale = given('scale');
  if (scale !== null && !/^[1-9]\d{0,3}$/.test(scale))
    return `${sourceOf(flags, 'scale')}: expected a number from 1 on, found ${JSON.stringify(scale)}`;
  const client = ApiClient.fromFlags(invocation);
  if (typeof client === 'string') return client;
  const [timeout, drainTimeout] = times;
  return {
    service,
    scale: scale === null ? null : Number(scale),
    isDryRun: flags.has('dry-run'),
    timeout,
    drainTimeout,
    compose: {
      command: given('compose')?.split(/\s+/) ?? null,
      files: flags.get('compose-file')?.values ?? [],
      project: given('project-name'),
    },
    client,
  };
}

/** @returns the exit code @throws RolloutFailed @throws CallFailed @throws ProgramFailed */
async function rollOut(request: Request, host: Host, interrupted: AbortSignal): Promise<number> {
  const { service, scale, isDryRun, timeout, drainTimeout, client } = request;
  const { environment } = host;
  const compose = await Compose.find(request.compose, environment);
  const refuse = (complaints: readonly string[]) => {
    for (const complaint of complaints) host.complain(`${complaint}\n`);
    return 2;
  };
  let file: ComposeFile;
  try {
    file = await compose.readFile();
  } catch (error) {
    return refuse([(error as Error).message]);
  }
  if (!file.services.includes(service))
    return refuse([
      `there is no service ${service} in the compose file${didYouMean(service, file.services)}`,
    ]);
  const group = file.groupOf(service);
  const obstacles = findObstacles(file, group);
  if (obstacles.length > 0) return refuse(obstacles);
  if (group.kind === 'pair' && scale !== null)
    return refuse([`--scale: ${service} is a pair with its sidecar, of which there is one`]);

  const engine = new Engine(environment);
  const [id] = await compose.containers();
  const [container] = id === undefined ? [] : await engine.inspect([id]);
  const project = container?.project ?? null;
  if (project === null)
    throw new RolloutFailed('Nothing of the compose project runs: start it by compose up -d.');
  const started = performance.now();
  const say = (line: string) => host.print(`${line}\n`);
  const tools: RolloutTools = {
    engine,
    mesh: new MeshInstances(client),
    say,
    timeout,
    drainTimeout,
    interrupted,
  };
  const context = { ...tools, compose, file, project, isDryRun };
  const lock = isDryRun ? null : await lockOf(environment, project, group);
  try {
    if (group.kind === 'pair') await rollOutPair(context, group);
    else await rollOutReplicas(context, service, scale);
  } finally {
    lock?.release();
  }
  if (!isDryRun) say(`${service} is rolled out, in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return 0;
}

/** @throws RolloutFailed where the same is rolled out already */
async function lockOf(environment: Host['environment'], project: string, group: Group): Promise<RolloutLock> {
  const engine = environment.DOCKER_HOST ?? environment.DOCKER_CONTEXT ?? '';
  const service = group.kind === 'pair' ? group.owner : group.service;
  const lock = await RolloutLock.take([engine, project, service]);
  if (lock !== null) return lock;
  throw new RolloutFailed(
    `Another outrider rollout of ${service} in ${project} is at work: run it again when that one has ended.`,
  );
}

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Ctrl-C and its like: the first one is a wish, the second one an order. */
class Interruption {
  private readonly controller = new AbortController();
  private readonly onSignal: () => void;

  constructor(host: Host) {
    this.onSignal = () => {
      if (this.controller.signal.aborted) {
        host.complain('interrupted again: ends at once, old and new ones stay; docker ps -a shows them\n');
        return void endProcess(1);
      }
      host.complain('interrupted: puts things in order; again to end at once\n');
      this.controller.abort();
    };
    for (const signal of SIGNALS) process.on(signal, this.onSignal);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  end(): void {
    for (const signal of SIGNALS) process.off(signal, this.onSignal);
  }
}
