import { parseArgs } from 'node:util';
import { names, number } from '../bench/option-values.ts';
import { requireFile, requireNode } from '../bench/programs.ts';
import { SCENARIOS } from './scenarios.ts';
import { USUAL_FAULT_MS } from './stage.ts';

/** What `npm run faults` was asked to do. */
export interface Options {
  /** Names of scenarios, in the order in which they run. */
  readonly only: readonly string[];
  readonly proxies: readonly string[];
  readonly faultMs: number;
  /** The runtime that the sidecar runs on. */
  readonly node: string;
  /** A bundle to test instead of the one that is built. */
  readonly bundle: string | null;
  /** The sidecar's policy in place of the one that each scenario asks for. */
  readonly policy: Readonly<Record<string, unknown>> | null;
  readonly json: string | null;
  /** Whether the table goes into the page. */
  readonly write: boolean;
}

export const PROXIES: readonly string[] = ['outrider', 'haproxy', 'nginx', 'envoy'];
const SCENARIO_NAMES = SCENARIOS.map(({ name }) => name);

export const USAGE = `npm run faults -- [options]

  --only NAME,…     scenarios: ${SCENARIO_NAMES.join(', ')}
  --proxies NAME,…  ${PROXIES.join(', ')}
  --seconds S       how long a fault lasts (${USUAL_FAULT_MS / 1000})
  --node PATH       the runtime of the sidecar (the command's own)
  --bundle FILE     a bundle to test instead of dist/outrider.js
  --policy JSON     the sidecar's policy, in place of the defaults and of what a scenario asks for
  --json FILE       write everything that was measured
  --write           put the tables into docs/resilience.md; for a run of everything
  --help
`;

/** Reads the command line. Throws with a sentence for the user. */
export function parseOptions(args: readonly string[]): Options | 'help' {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      proxies: { type: 'string' },
      seconds: { type: 'string' },
      node: { type: 'string' },
      bundle: { type: 'string' },
      policy: { type: 'string' },
      json: { type: 'string' },
      write: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { write } = values;
  const partial = (['only', 'seconds', 'policy', 'bundle'] as const).find(name => values[name] !== undefined);
  if (write && partial !== undefined)
    throw new Error(`--write: the page shows a run of everything, without --${partial}`);
  return {
    only: names('--only', values.only, SCENARIO_NAMES) ?? SCENARIO_NAMES,
    proxies: names('--proxies', values.proxies, PROXIES) ?? PROXIES,
    faultMs: 1000 * (number('--seconds', values.seconds) ?? USUAL_FAULT_MS / 1000),
    node: values.node === undefined ? process.execPath : requireNode('--node', values.node),
    bundle: values.bundle === undefined ? null : requireFile('--bundle', values.bundle),
    policy: values.policy === undefined ? null : readPolicy(values.policy),
    json: values.json ?? null,
    write,
  };
}

function readPolicy(text: string): Readonly<Record<string, unknown>> {
  try {
    const policy: unknown = JSON.parse(text);
    if (typeof policy === 'object' && policy !== null) return policy as Record<string, unknown>;
  } catch {
    // Said below.
  }
  throw new Error(`--policy: ${text} is no JSON object`);
}
