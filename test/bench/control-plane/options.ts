import { parseArgs } from 'node:util';
import { requireFile, requireNode } from '../programs.ts';

/** How large the mesh is, and for how long it changes. */
export interface ControlPlaneBenchOptions {
  readonly services: number;
  readonly instances: number;
  readonly watchers: number;
  /** Services that each watcher uses. */
  readonly uses: number;
  /** Changes a second. */
  readonly changes: number;
  readonly measureMs: number;
  readonly warmupMs: number;
  readonly rounds: number;
  /** The runtime of the control plane. */
  readonly node: string;
  /** A bundle to test instead of the one that is built. */
  readonly bundle: string | null;
  /** What is measured, in this order. */
  readonly planes: readonly PlaneName[];
  /** Where every figure is written to; null: nowhere. */
  readonly json: string | null;
}

export const PLANE_NAMES = ['outrider', 'etcd', 'consul'] as const;
export type PlaneName = (typeof PLANE_NAMES)[number];

export const CONTROL_PLANE_USAGE = `npm run bench -- control-plane [options]

  --services N     services (300)
  --instances N    instances in all (3000)
  --watchers N     sidecars that watch (1000)
  --uses N         services that each of them uses (10)
  --changes N      changes a second (50)
  --seconds S      measured time (30; 5 when quick)
  --warmup S       time with changes before it (5; 2 when quick)
  --rounds N       rounds, each with a turn for every control plane (3; 1 when quick)
  --quick          short: a first look, not a figure to quote
  --planes LIST    what to measure, joined by commas (outrider,etcd,consul)
  --json FILE      writes every figure to a file
  --node PATH      the runtime of the control plane (the bench's own)
  --bundle FILE    a bundle to test instead of dist/outrider.js
  --help
`;

/** Reads the command line. Throws with a sentence for the user. */
export function parseControlPlaneOptions(args: readonly string[]): ControlPlaneBenchOptions | 'help' {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      services: text,
      instances: text,
      watchers: text,
      uses: text,
      changes: text,
      seconds: text,
      warmup: text,
      rounds: text,
      quick: { type: 'boolean', default: false },
      node: { type: 'string' },
      bundle: text,
      planes: text,
      json: text,
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return 'help';
  const { quick } = values;
  const options = {
    services: count('--services', values.services, 300),
    instances: count('--instances', values.instances, 3000),
    watchers: count('--watchers', values.watchers, 1000),
    uses: count('--uses', values.uses, 10),
    changes: count('--changes', values.changes, 50),
    measureMs: 1000 * count('--seconds', values.seconds, quick ? 5 : 30),
    warmupMs: 1000 * count('--warmup', values.warmup, quick ? 2 : 5),
    rounds: count('--rounds', values.rounds, quick ? 1 : 3),
    node: values.node === undefined ? process.execPath : requireNode('--node', values.node),
    bundle: values.bundle === undefined ? null : requireFile('--bundle', values.bundle),
    planes: values.planes === undefined ? PLANE_NAMES : planesOf(values.planes),
    json: values.json ?? null,
  };
  if (options.instances < 2 * options.services) throw new Error('--instances: every service needs two');
  if (options.uses > options.services) throw new Error('--uses: there are not so many services');
  return options;
}

function count(option: string, text: string | undefined, fallback: number): number {
  if (text === undefined) return fallback;
  if (!/^[1-9]\d{0,5}$/.test(text)) throw new Error(`${option}: ${text} is not a whole number from 1`);
  return Number(text);
}

function planesOf(list: string): PlaneName[] {
  return list.split(',').map(name => {
    const plane = PLANE_NAMES.find(candidate => candidate === name);
    if (plane === undefined)
      throw new Error(`--planes: there is no ${name}; there are ${PLANE_NAMES.join(', ')}`);
    return plane;
  });
}
