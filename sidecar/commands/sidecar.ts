import { didYouMean } from '../../command-line/arguments.ts';
import type { Command, Flag, Invocation } from '../../command-line/command.ts';
import { type Problem, problem } from '../../control-plane/contract/problem.ts';
import type { LogLevel } from '../../process/log.ts';
import { runSidecar } from '../main.ts';
import { Sidecar } from '../sidecar.ts';
import { placeOfFlag, settingsFromFlags } from './flag-settings.ts';

/** `outrider sidecar`. */
export const SIDECAR_COMMAND: Command = {
  name: 'sidecar',
  summary: 'Runs a sidecar: carries the outbound calls of the application beside it.',
  description: [
    'Runs a sidecar beside an application. The application calls the sidecar instead of other services: by a port per upstream (egress.ports), by host name on the shared port, or by having it as its HTTP proxy.',
    'Settings come from flags, from environment variables, from the sidecar file, and from defaults: what comes first in this list wins. A changed file is picked up while the sidecar runs, also on SIGHUP; one with an error is refused whole, and the old one stays in force.',
    'SIGTERM and SIGINT stop it: it carries what is under way to its end, for at most stop.grace (10s). A second signal ends it at once. Its own log goes to standard error, the access log to standard output, both as JSON lines.',
  ].join('\n\n'),
  operands: null,
  flags: [
    flag('config', 'FILE', 'The sidecar file.', 'outrider.yaml in the working directory, if there is one'),
    flag('service', 'NAME', 'The name of the application beside this sidecar.'),
    flag(
      'port',
      'PORT',
      'Where the application beside this sidecar listens (app.port). With --service and --control-plane it is registered there once connections to it come up; without them it does nothing.',
    ),
    flag(
      'listen',
      'ADDRESS',
      'The shared port, for requests by host name and as an HTTP proxy; off for none.',
      '127.0.0.1:15001',
    ),
    repeatable(
      'upstream',
      'NAME=HOST:PORT,…',
      'An upstream and its endpoints. NAME=dns:HOST:PORT takes them from the A and AAAA records of a host, NAME=srv:NAME from SRV records. Says anew where the upstream of that name in the file has its endpoints; its policy stays. In the environment variable, spaces part several.',
    ),
    repeatable('egress-port', 'PORT=NAME', 'A port that leads to one upstream. Commas part several.'),
    flag(
      'unknown-hosts',
      'WHAT',
      'What becomes of requests for hosts that are no upstream: pass or refuse.',
      'pass',
    ),
    flag(
      'control-plane',
      'URL',
      'Where endpoints and policies come from, such as http://control-plane:7600: of every service that is called and that --upstream does not name.',
    ),
    flag(
      'token',
      'TOKEN',
      `What proves to the control plane who this is, where it asks for that. The environment variable, which is not seen in the list of processes, counts together with --control-plane; a file says token: "\${OUTRIDER_TOKEN}".`,
    ),
    flag('admin', 'ADDRESS', "The sidecar's own API; off for none.", '127.0.0.1:15000'),
    flag('access-log', 'FORMAT', 'A line per request on standard output: json, text or off.', 'json'),
    flag('log-level', 'LEVEL', "What the sidecar's own log tells: debug, info, warn or error.", 'info'),
  ],
  examples: [
    {
      description: 'Balance over two instances of inventory at port 8080',
      command: 'outrider sidecar --listen 127.0.0.1:8080 --upstream inventory=127.0.0.1:9001,127.0.0.1:9002',
    },
    {
      description: 'A port per upstream, with endpoints from DNS',
      command:
        'outrider sidecar --egress-port 9001=inventory --upstream inventory=dns:inventory.internal:8080',
    },
    {
      description: 'With a file, and the admin API where others can reach it',
      command: 'outrider sidecar --config outrider.yaml --admin 0.0.0.0:15000',
    },
  ],
  async run(invocation, host) {
    const { overrides, problems } = settingsFromFlags(invocation);
    const { level, problems: levelProblems } = logLevelOf(invocation);
    const options = {
      configFile: invocation.flags.get('config')?.values[0] ?? null,
      overrides,
      problems: [...problems, ...levelProblems],
      logLevel: level,
      environment: host.environment,
      version: host.version,
      complain: (text: string) => host.complain(text),
    };
    return await runSidecar(options, (config, context) => Sidecar.start(config, context));
  },
};

const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** The log level that was asked for, or a problem with it. */
function logLevelOf({ flags }: Invocation): { level: LogLevel; problems: Problem[] } {
  const given = flags.get('log-level');
  const word = given?.values[0] ?? 'info';
  const level = LOG_LEVELS.find(known => known === word);
  if (level !== undefined || given === undefined) return { level: level ?? 'info', problems: [] };
  const expected = `expected one of ${LOG_LEVELS.join(', ')}`;
  const message = `${expected}, found ${JSON.stringify(word)}${didYouMean(word, LOG_LEVELS)}`;
  return { level: 'info', problems: [problem(placeOfFlag(given.source), '', message)] };
}

function flag(name: string, value: string, description: string, fallback: string | null = null): Flag {
  return { name, value, description, default: fallback, isRepeatable: false, variable: variableOf(name) };
}

function repeatable(name: string, value: string, description: string): Flag {
  return { name, value, description, default: null, isRepeatable: true, variable: variableOf(name) };
}

function variableOf(name: string): string {
  return `OUTRIDER_${name.toUpperCase().replaceAll('-', '_')}`;
}
