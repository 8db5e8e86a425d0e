import { parseArgs } from 'node:util';
import { names, number, words } from './option-values.ts';
import { requireFile, requireNode } from './programs.ts';
import { SCENARIOS } from './scenarios.ts';

/** What the bench was asked to do. */
export interface Options {
  /** Names of scenarios, in the order in which they run. */
  readonly only: readonly string[];
  /** Names of proxies; `direct` is the row without one. */
  readonly proxies: readonly string[];
  readonly rounds: number;
  readonly warmupMs: number;
  readonly measureMs: number;
  /** The runtime that the sidecar runs on. */
  readonly node: string;
  /** A bundle to test instead of the one that is built. */
  readonly bundle: string | null;
  /** Further bundles to compare, by the name of their row. */
  readonly variants: readonly { readonly name: string; readonly bundle: string }[];
  readonly nodeArguments: readonly string[];
  readonly sidecarArguments: readonly string[];
  /** Whether the peers write an access log as the sidecar does by default. */
  readonly peerLogs: boolean;
  readonly json: string | null;
  readonly profile: boolean;
}

export const PROXIES: readonly string[] = ['direct', 'outrider', 'bare', 'haproxy', 'nginx', 'envoy'];

export const USAGE = `npm run bench -- [options]
npm run bench -- control-plane [options]

  --quick                short and few rounds: a first look, not a figure to quote
  --only NAME,…          scenarios: ${SCENARIOS.map(scenario => scenario.name).join(', ')}
  --proxies NAME,…       ${PROXIES.join(', ')}
  --rounds N             times that every proxy does every scenario (5; 2 when quick)
  --seconds S            measured time of each (3; 1 when quick)
  --warmup S             time under load before it (5; 2 when quick)
  --node PATH            the runtime of the sidecar (the bench's own)
  --node-args "ARGS"     further arguments of that runtime
  --sidecar-args "ARGS"  further arguments of the sidecar
  --peer-logs            the peers write a line per request as well, to /dev/null like the sidecar
  --bundle FILE          a bundle to test instead of dist/outrider.js
  --variant NAME=FILE    a further bundle in a row of its own; may be repeated
  --json FILE            write everything that was measured
  --profile              run the sidecar alone under the CPU profiler, and print where the time goes
  --help
`;

/** Reads the command line. Throws with a sentence for the user. */
export function parseOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      quick: { type: 'boolean', default: false },
      only: { type: 'string' },
      proxies: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      warmup: { type: 'string' },
      node: { type: 'string' },
      'node-args': { type: 'string', default: '' },
      'sidecar-args': { type: 'string', default: '' },
      'peer-logs': { type: 'boolean', default: false },
      bundle: { type: 'string' },
      variant: { type: 'string', multiple: true, default: [] },
      json: { type: 'string' },
      profile: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { quick, profile } = values;
  const variants = values.variant.map(readVariant);
  const proxies = names('--proxies', values.proxies, PROXIES) ?? (profile ? ['outrider'] : PROXIES);
  return {
    only:
      names(
        '--only',
        values.only,
        SCENARIOS.map(scenario => scenario.name),
      ) ?? (profile ? ['small-get'] : SCENARIOS.map(scenario => scenario.name)),
    proxies: [...proxies, ...variants.map(variant => variant.name)],
    rounds: number('--rounds', values.rounds) ?? (profile ? 1 : quick ? 2 : 5),
    measureMs: 1000 * (number('--seconds', values.seconds) ?? (quick ? 1 : 3)),
    warmupMs: 1000 * (number('--warmup', values.warmup) ?? (quick ? 2 : 5)),
    node: values.node === undefined ? process.execPath : requireNode('--node', values.node),
    bundle: values.bundle === undefined ? null : requireFile('--bundle', values.bundle),
    variants,
    nodeArguments: words(values['node-args']),
    sidecarArguments: words(values['sidecar-args']),
    peerLogs: values['peer-logs'],
    json: values.json ?? null,
    profile,
  };
}

function readVariant(text: string): { name: string; bundle: string } {
  const [name, bundle] = text.split(/=(.*)/s);
  if (name === '' || !bundle || PROXIES.includes(name))
    throw new Error(`--variant: ${text} is not NAME=FILE`);
  return { name, bundle: requireFile('--variant', bundle) };
}
