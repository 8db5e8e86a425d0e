import { didYouMean } from '../../command-line/arguments.ts';
import type { Flag, Host, Invocation } from '../../command-line/command.ts';
import { type Problem, problem } from '../../control-plane/contract/problem.ts';
import { wholeOf } from '../../control-plane/contract/source-tree.ts';
import type { LogLevel } from '../../process/log.ts';
import type { SidecarOptions } from '../main.ts';
import { settingsFromFlags } from './flag-settings.ts';

/** What every command takes that runs a sidecar. */
export const SIDECAR_FLAGS: readonly Flag[] = [
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
  flag('access-log', 'FORMAT', 'A line per request: json, text or off.', 'json'),
  flag('log-level', 'LEVEL', "What the sidecar's own log tells: debug, info, warn or error.", 'info'),
];

/** What a sidecar is asked to do by its flags. */
export function sidecarOptions(invocation: Invocation, host: Host): Omit<SidecarOptions, 'command'> {
  const { overrides, problems } = settingsFromFlags(invocation);
  const { level, problems: levelProblems } = logLevelOf(invocation);
  return {
    configFile: invocation.flags.get('config')?.values[0] ?? null,
    overrides,
    problems: [...problems, ...levelProblems, ...warningsOf(invocation)],
    logLevel: level,
    environment: host.environment,
    version: host.version,
    complain: text => host.complain(text),
  };
}

function warningsOf({ warnings = [] }: Invocation): Problem[] {
  return warnings.map(({ variable, message }) => problem(wholeOf(variable), '', message, 'warning'));
}

const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

/** The log level that was asked for, or a problem with it. */
function logLevelOf({ flags }: Invocation): { level: LogLevel; problems: Problem[] } {
  const given = flags.get('log-level');
  const word = given?.values[0] ?? 'info';
  const level = LOG_LEVELS.find(known => known === word);
  if (level !== undefined || given === undefined) return { level: level ?? 'info', problems: [] };
  const expected = `expected one of ${LOG_LEVELS.join(', ')}`;
  const message = `${expected}, found ${JSON.stringify(word)}${didYouMean(word, LOG_LEVELS)}`;
  return { level: 'info', problems: [problem(wholeOf(given.source), '', message)] };
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
