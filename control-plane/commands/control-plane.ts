import { sourceOf } from '../../command-line/arguments.ts';
import type { Command, Flag, Invocation } from '../../command-line/command.ts';
import { refuseUsage } from '../../command-line/refuse-usage.ts';
import { type HostPort, isLoopback, LISTEN_ADDRESS, parseHostPort } from '../contract/host-port.ts';

const DEFAULTS = {
  listen: '127.0.0.1:7600',
  data: 'outrider-data',
  'rate-limit': '1000',
  connections: '10000',
};

/** `outrider control-plane`. */
export const CONTROL_PLANE_COMMAND: Command = {
  name: 'control-plane',
  summary: 'Runs the control plane: tells sidecars which instances there are, and which policies.',
  description: [
    'Runs the control plane of a mesh. Instances register with it, by their sidecars or by themselves, and sidecars are told of them as it happens. Sidecars go on with what they know while it is away.',
    'Without tokens, anybody who can reach the API may change everything, so it then listens on this machine alone, unless --insecure is given. The admin token may do everything; the sidecar token may read, watch, and register instances. Tokens in environment variables are not seen in the list of processes.',
    'What is written is on the disk before it is answered, in the directory of --data. A mesh file is written into it at every start, and whenever it changes or SIGHUP comes; one that is wrong in one place is refused whole. Services that it does not name stay as they are.',
  ].join('\n\n'),
  operands: null,
  flags: [
    flag(
      'listen',
      'ADDRESS',
      'OUTRIDER_CONTROL_PLANE_LISTEN',
      'Where the API listens; port 0 for any that is free.',
      DEFAULTS.listen,
    ),
    flag(
      'data',
      'DIR',
      'OUTRIDER_DATA',
      'The directory that services and instances are kept in, made where it is missing; memory for keeping nothing.',
      DEFAULTS.data,
    ),
    flag('mesh', 'FILE', 'OUTRIDER_MESH', 'A mesh file with services and their policies.', null),
    flag('admin-token', 'TOKEN', 'OUTRIDER_ADMIN_TOKEN', 'The token that may do everything.', null),
    flag('sidecar-token', 'TOKEN', 'OUTRIDER_SIDECAR_TOKEN', 'The token for sidecars.', null),
    {
      name: 'insecure',
      value: null,
      isRepeatable: false,
      variable: 'OUTRIDER_INSECURE',
      description: 'Lets the API listen for other machines without tokens.',
      default: null,
    },
    flag(
      'rate-limit',
      'CALLS',
      'OUTRIDER_RATE_LIMIT',
      'Calls a second that one address may make; five times as many may come at once.',
      DEFAULTS['rate-limit'],
    ),
    flag(
      'connections',
      'COUNT',
      'OUTRIDER_CONNECTIONS',
      'Connections to the API in all; each sidecar keeps one or two open. Further ones are closed at once.',
      DEFAULTS.connections,
    ),
  ],
  examples: [
    { description: 'Try it out, keeping nothing', command: 'outrider control-plane --data memory' },
    {
      description: 'For the machines of a network, with tokens from the environment',
      command: 'outrider control-plane --listen 0.0.0.0:7600 --data /var/lib/outrider --mesh mesh.yaml',
    },
  ],
  tellsWarnings: true,
  async run(invocation, host) {
    const settings = readSettings(invocation);
    if (Array.isArray(settings)) {
      return refuseUsage(host, 'control-plane', settings);
    }
    // Only here, so that other commands don't wait for the API's framework to be loaded.
    const { runControlPlane } = await import('../main.ts');
    const { environment, version } = host;
    return await runControlPlane({
      ...settings,
      warnings: invocation.warnings ?? [],
      environment,
      version,
      complain: text => host.complain(text),
    });
  },
};

interface Settings {
  readonly listen: HostPort;
  readonly data: string;
  readonly meshFile: string | null;
  readonly tokens: { readonly admin: string | null; readonly sidecar: string | null };
  readonly callsPerSecond: number;
  readonly connections: number;
}

/** @returns complaints where something is wrong */
function readSettings({ flags }: Invocation): Settings | string[] {
  const given = (name: string) => flags.get(name)?.values[0] ?? null;
  const complaints: string[] = [];
  const listenText = given('listen') ?? DEFAULTS.listen;
  const listen = parseHostPort(listenText);
  if (listen === null) {
    const guess = LISTEN_ADDRESS.guess?.(listenText) ?? null;
    const question = guess === null ? '' : `; did you mean ${guess}?`;
    complaints.push(
      `${sourceOf(flags, 'listen')}: expected ${LISTEN_ADDRESS.expected}, found ${JSON.stringify(listenText)}${question}`,
    );
  }
  const tokens = { admin: given('admin-token'), sidecar: given('sidecar-token') };
  for (const [name, token] of [
    ['admin-token', tokens.admin],
    ['sidecar-token', tokens.sidecar],
  ] as const) {
    if (token !== null && !/^[\x21-\x7e]{1,512}$/.test(token)) {
      complaints.push(`${sourceOf(flags, name)}: expected up to 512 printable characters without spaces`);
    }
  }
  if (tokens.sidecar !== null && tokens.admin === null) {
    complaints.push('--sidecar-token without --admin-token: then nobody could write a policy');
  }
  if (tokens.sidecar !== null && tokens.sidecar === tokens.admin) {
    complaints.push('--sidecar-token and --admin-token are the same: sidecars could change everything');
  }
  const countOf = (name: 'rate-limit' | 'connections', noun: string) => {
    const text = given(name) ?? DEFAULTS[name];
    const count = /^\d{1,7}$/.test(text) ? Number(text) : 0;
    if (count === 0) {
      complaints.push(
        `${sourceOf(flags, name)}: expected a number of ${noun} from 1 to 9999999, found ${JSON.stringify(text)}`,
      );
    }
    return count;
  };
  const callsPerSecond = countOf('rate-limit', 'calls');
  const connections = countOf('connections', 'connections');
  if (listen !== null && tokens.admin === null && !isLoopback(listen.host) && !flags.has('insecure')) {
    complaints.push(
      `${sourceOf(flags, 'listen')} ${listenText}: without tokens, everybody who can reach it could change the mesh; give --admin-token and --sidecar-token, or say --insecure`,
    );
  }
  if (listen === null || complaints.length > 0) return complaints;
  return {
    listen,
    data: given('data') ?? DEFAULTS.data,
    meshFile: given('mesh'),
    tokens,
    callsPerSecond,
    connections,
  };
}

function flag(
  name: string,
  value: string,
  variable: string,
  description: string,
  fallback: string | null,
): Flag {
  return { name, value, isRepeatable: false, variable, description, default: fallback };
}
