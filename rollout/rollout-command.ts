import { didYouMean } from '../command-line/arguments.ts';
import type { Command, Host, Invocation } from '../command-line/command.ts';
import { refuseUsage } from '../command-line/refuse-usage.ts';
import { ApiClient, CallFailed, CLIENT_FLAGS } from '../control-plane/commands/api-client.ts';
import { parseDuration } from '../control-plane/contract/duration.ts';
import { endProcess } from '../process/process-end.ts';
import { Compose, type ComposeFlags } from './compose.ts';
import type { ComposeFile } from './compose-file.ts';
import { Engine } from './engine.ts';
import { MeshInstances } from './mesh-instances.ts';
import { findObstacles } from './obstacles.ts';
import { RolloutFailed, type RolloutTools } from './replacement.ts';
import { rollOutPair, rollOutReplicas } from './rollout.ts';
import { ProgramFailed } from './run-program.ts';

/** `outrider rollout`. */
export const ROLLOUT_COMMAND: Command = {
  name: 'rollout',
  summary: 'Replaces the instances of a compose service by new ones, without a failed request.',
  description: [
    "Replaces the containers of a compose service by new ones, made of the compose file and the images as they are now (so build or pull first). New instances are started beside the old ones. When the control plane knows them as healthy, callers leave the old ones, one after another; each is stopped once every caller's sidecar has said that it has left it.",
    'Where a new one does not get healthy in time, has ended, or the command is interrupted, the new ones are taken away again and the old ones go on serving; the exit code is 1, and what was in the way is told. Where some old ones have gone by then, it stops there and says who serves. A second interrupt ends it at once.',
    'A service of the wrapped form (outrider run) gets as many new containers as run now. Of an application in the network of its sidecar (network_mode: service:…) both containers are replaced, whichever of the two is named: a temporary second pair takes over, the pair is started anew in its place, and the second one goes. One that was killed in the middle is resumed by running it again.',
    'It works by docker compose, or docker-compose where that is missing, and by docker for what compose can not do, to stop one container out of several. Services that publish a port of the host, use its network, or, in the wrapped form, have a fixed container_name or address are refused before anything is changed: two containers can not have the same. The control plane has to be reachable from here; the sidecar token will do.',
  ].join('\n\n'),
  operands: { placeholder: 'SERVICE', description: 'The service, as the compose file calls it.' },
  flags: [
    {
      name: 'dry-run',
      value: null,
      isRepeatable: false,
      variable: 'OUTRIDER_DRY_RUN',
      description: 'Says what would be done, and does nothing.',
      default: null,
    },
    {
      name: 'timeout',
      value: 'DURATION',
      isRepeatable: false,
      variable: 'OUTRIDER_TIMEOUT',
      description: 'How long new instances may take to be registered and healthy.',
      default: '1m',
    },
    {
      name: 'drain-timeout',
      value: 'DURATION',
      isRepeatable: false,
      variable: 'OUTRIDER_DRAIN_TIMEOUT',
      description: 'How long callers may take to say that they have left an old instance.',
      default: '30s',
    },
    {
      name: 'scale',
      value: 'N',
      isRepeatable: false,
      variable: 'OUTRIDER_SCALE',
      description: 'How many instances there are to be afterwards; in the wrapped form only.',
      default: 'as many as run',
    },
    {
      name: 'compose-file',
      short: 'f',
      value: 'FILE',
      isRepeatable: true,
      variable: 'OUTRIDER_COMPOSE_FILE',
      description: 'The compose file; compose finds it itself otherwise.',
      default: null,
    },
    {
      name: 'project-name',
      short: 'p',
      value: 'NAME',
      isRepeatable: false,
      variable: 'OUTRIDER_PROJECT_NAME',
      description: 'The compose project.',
      default: null,
    },
    {
      name: 'compose',
      value: 'COMMAND',
      isRepeatable: false,
      variable: 'OUTRIDER_COMPOSE',
      description:
        'The compose command, where both are there, or with flags of its own: "docker compose --env-file prod.env".',
      default: 'docker compose, else docker-compose',
    },
    ...CLIENT_FLAGS,
  ],
  examples: [
    { description: 'See what would be done', command: 'outrider rollout delivery --dry-run' },
    {
      description: 'Roll out an image that was pulled',
      command: 'docker compose pull delivery && outrider rollout delivery',
    },
  ],
  async run(invocation, host) {
    const request = readRequest(invocation);
    if (typeof request === 'string') return refuseUsage(host, 'rollout', [request]);
    const interruption = new Interruption(host);
    try {
      return await rollOut(request, host, interruption.signal);
    } catch (error) {
      if (!(error instanceof RolloutFailed || error instanceof CallFailed || error instanceof ProgramFailed))
        throw error;
      host.complain(`${error.message}\n`);
      return 1;
    } finally {
      interruption.end();
    }
  },
};

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
    if (time === null || time > 2 ** 31 - 1)
      return `--${name}: expected a duration such as 30s, found ${JSON.stringify(text)}`;
    times.push(time);
  }
  const scale = given('scale');
  if (scale !== null && !/^[1-9]\d{0,3}$/.test(scale))
    return `--scale: expected a number from 1 on, found ${JSON.stringify(scale)}`;
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
  if (group.kind === 'pair') await rollOutPair(context, group);
  else await rollOutReplicas(context, service, scale);
  if (!isDryRun) say(`${service} is rolled out, in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return 0;
}

const SIGNALS: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP'];

/** Ctrl-C and its like: the first one is a wish, the second one an order. A reader of what is printed that went away is neither. */
class Interruption {
  private readonly controller = new AbortController();
  private readonly onSignal: () => void;

  constructor(host: Host) {
    this.onSignal = () => {
      if (this.controller.signal.aborted) {
        host.complain('interrupted again: ends at once; docker ps -a shows what there is\n');
        return void endProcess(1);
      }
      host.complain('interrupted: puts things in order; again to end at once\n');
      this.controller.abort();
    };
    for (const signal of SIGNALS) process.on(signal, this.onSignal);
    for (const stream of [process.stdout, process.stderr]) stream.on('error', ignore);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  end(): void {
    for (const signal of SIGNALS) process.off(signal, this.onSignal);
    for (const stream of [process.stdout, process.stderr]) stream.off('error', ignore);
  }
}

function ignore(): void {}
