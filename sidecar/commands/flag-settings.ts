import type { Invocation } from '../../command-line/command.ts';
import { type Problem, problem } from '../../control-plane/contract/problem.ts';
import {
  type MapNode,
  type Place,
  type SourceNode,
  wholeOf,
} from '../../control-plane/contract/source-tree.ts';

/** The setting of the sidecar file that a flag sets, for flags that say just a value. */
const SETTING_OF_FLAG: Readonly<Record<string, readonly string[]>> = {
  service: ['service'],
  port: ['app', 'port'],
  listen: ['egress', 'listen'],
  'unknown-hosts': ['egress', 'unknownHosts'],
  'control-plane': ['controlPlane', 'url'],
  token: ['controlPlane', 'token'],
  admin: ['admin', 'listen'],
  'access-log': ['accessLog', 'format'],
};

interface FlagSettings {
  /** What the flags say, as trees that go over the file's, weakest first. */
  readonly overrides: readonly MapNode[];
  readonly problems: readonly Problem[];
}

/** Turns flags into what a sidecar file would say. Whether the values are right is for the file's schema to tell. */
export function settingsFromFlags({ flags }: Invocation): FlagSettings {
  const overrides: MapNode[] = [];
  const problems: Problem[] = [];
  for (const [flag, { values, source }] of flags) {
    const at = wholeOf(source);
    const setting = SETTING_OF_FLAG[flag];
    const pairs = PAIRS[flag];
    // The variable is also the one of commands that call a control plane: alone it does not say that there is one here.
    if (flag === 'token' && !source.startsWith('--') && !flags.has('control-plane')) continue;
    if (setting !== undefined) overrides.push(nest(setting, scalar(values[0], at), at));
    if (pairs === undefined) continue;
    const named = new Set<string>();
    for (const text of values.flatMap(pairs.split)) {
      const [, name, value] = /^\s*([^=]+?)\s*=\s*(.+?)\s*$/.exec(text) ?? [];
      const guess = pairs.guess?.(text, name, value) ?? null;
      const complaint =
        name === undefined || guess !== null
          ? `expected ${pairs.form}, found ${JSON.stringify(text)}${guess === null ? '' : `; did you mean ${guess}?`}`
          : named.has(name) && `${name} is given twice`;
      if (complaint) problems.push(problem(at, '', complaint));
      else overrides.push(pairs.settings(name, value, at));
      named.add(name);
    }
  }
  return { overrides, problems };
}

/** Flags whose value is a name and what it stands for. */
interface Pairs {
  readonly form: string;
  readonly split: (value: string) => readonly string[];
  /** What was meant where it is clear that it is not this. */
  readonly guess?: (text: string, name?: string, value?: string) => string | null;
  readonly settings: (name: string, value: string, at: Place) => MapNode;
}

const PAIRS: Readonly<Record<string, Pairs>> = {
  upstream: {
    form: 'NAME=HOST:PORT[,HOST:PORT…], NAME=dns:HOST:PORT or NAME=srv:NAME',
    split: value => [value],
    settings: upstreamSettings,
  },
  'egress-port': {
    form: 'PORT=NAME',
    split: value => value.split(','),
    guess(text, port, name) {
      if (port !== undefined && name !== undefined)
        return !isPort(port) && isPort(name) ? `${name}=${port}` : null;
      const [, before, after] = /^\s*(\d{1,5})[: ]\s*(\S+)$/.exec(text) ?? [];
      return before === undefined ? null : `${before}=${after}`;
    },
    settings: (port, name, at) => nest(['egress', 'ports', port], scalar(name, at), at),
  },
};

function isPort(text: string): boolean {
  return /^\d{1,5}$/.test(text);
}

function upstreamSettings(name: string, value: string, at: Place): MapNode {
  const [, kind, where] = /^(dns|srv):(.+)$/.exec(value) ?? [];
  if (kind !== undefined) return nest(['upstreams', name, kind], scalar(where, at), at);
  const items = value.split(',').map(address => scalar(address.trim(), at));
  return nest(['upstreams', name, 'endpoints'], { kind: 'list', items, at }, at);
}

function scalar(text: string, at: Place): SourceNode {
  return { kind: 'scalar', value: text, text, untyped: true, at };
}

/** A tree that says one thing. */
function nest([key, ...inner]: readonly string[], value: SourceNode, at: Place): MapNode {
  const below = inner.length === 0 ? value : nest(inner, value, at);
  return { kind: 'map', entries: [{ key, keyAt: at, value: below }], at };
}
