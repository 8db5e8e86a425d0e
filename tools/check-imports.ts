/**
 * Holds the rules of the house: which room may import which, and what a file must not be. The rooms are described in
 * ARCHITECTURE.md; a new one gets its line here. Run by `npm run check`; prints `file:line: problem`, exits 1 if any.
 */
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCycles } from './import-cycles.ts';
import { countLines, findDefaultExport, isBarrel, readSourceTree, type SourceFile } from './source-tree.ts';

const TOP_FOLDERS = [
  'bin',
  'command-line',
  'control-plane',
  'docs',
  'examples',
  'process',
  'rollout',
  'sidecar',
  'test',
  'tools',
];

/**
 * The rooms, and what each may import besides itself: other rooms, or single files. A room includes its sub-folders. Nothing is
 * allowed that nothing needs: a test holds the table against the tree.
 */
export const ROOMS: Readonly<Record<string, Room>> = {
  'sidecar/exchange': { imports: ['sidecar/io/kept-bytes.ts', 'control-plane/contract/methods.ts'] },
  'sidecar/io': { imports: [] },
  'sidecar/http1': { imports: ['sidecar/exchange'] },
  'sidecar/telemetry': { imports: ['sidecar/exchange', 'process'] },
  'sidecar/upstream': {
    imports: ['sidecar/exchange', 'sidecar/io', 'sidecar/http1', 'control-plane/contract/host-port.ts'],
    types: ['sidecar/telemetry', 'control-plane/contract/outliers-policy.ts'],
  },
  'sidecar/policy': {
    imports: ['sidecar/exchange', 'sidecar/io', 'sidecar/telemetry'],
    types: ['control-plane/contract/policy.ts'],
  },
  'sidecar/routing': { imports: ['sidecar/exchange', 'sidecar/http1'] },
  'sidecar/downstream': {
    imports: [
      'sidecar/exchange',
      'sidecar/io',
      'sidecar/http1',
      'process/listen-error.ts',
      'control-plane/contract/host-port.ts',
    ],
    types: ['sidecar/config', 'sidecar/telemetry'],
  },
  'sidecar/config': {
    imports: ['control-plane/contract'],
    types: ['sidecar/upstream/endpoint.ts'],
  },
  'sidecar/discovery': {
    imports: ['sidecar/io', 'control-plane/contract', 'process/make-directory.ts'],
    types: ['sidecar/upstream/endpoint.ts', 'process/log.ts'],
  },
  'sidecar/registration': {
    imports: ['control-plane/contract'],
    types: ['sidecar/config', 'sidecar/discovery/control-plane-api.ts', 'process/log.ts'],
  },
  'sidecar/application': { imports: [] },
  'sidecar/admin': {
    imports: ['process', 'control-plane/contract/duration.ts'],
    types: ['control-plane/contract/host-port.ts'],
  },
  'sidecar/checks': {
    imports: [
      'sidecar/discovery',
      'sidecar/registration/app-check.ts',
      'sidecar/io/host-lookup.ts',
      'sidecar/io/request-to.ts',
      'process/listen-error.ts',
      'control-plane/contract',
    ],
    types: ['sidecar/config'],
  },
  'sidecar/commands': {
    imports: [
      'sidecar/main.ts',
      'sidecar/sidecar.ts',
      'sidecar/requested-config.ts',
      'sidecar/checks',
      'sidecar/config',
      'process',
      'control-plane/contract',
      'command-line',
    ],
  },
  sidecar: { imports: ['sidecar', 'process', 'control-plane/contract'], isHallway: true },
  'control-plane/contract': { imports: [] },
  'control-plane/registry': { imports: ['control-plane/contract'] },
  'control-plane/store': {
    imports: ['control-plane/registry', 'process/make-directory.ts'],
    types: ['control-plane/contract'],
  },
  'control-plane/watch': { imports: ['control-plane/contract'], types: ['control-plane/registry'] },
  'control-plane/api': {
    imports: [
      'control-plane/contract',
      'control-plane/registry',
      'control-plane/store',
      'control-plane/watch',
      'process',
    ],
  },
  'control-plane/commands': {
    imports: ['control-plane/main.ts', 'control-plane/contract', 'process', 'command-line'],
  },
  'control-plane': { imports: ['control-plane', 'process'], isHallway: true },
  process: { imports: ['control-plane/contract'] },
  'command-line': { imports: ['control-plane/contract'] },
  rollout: {
    imports: [
      'command-line',
      'control-plane/commands/api-client.ts',
      'control-plane/contract',
      'process/process-end.ts',
    ],
  },
  bin: {
    imports: [
      'command-line',
      'control-plane/commands',
      'process',
      'rollout/rollout-command.ts',
      'sidecar/commands',
      'tools/install.mjs',
    ],
  },
  'docs/reference': { imports: ['bin', 'command-line', 'sidecar/config', 'control-plane/contract'] },
  'examples/shop': { imports: [] },
  tools: { imports: ['bin/require-node.js'] },
  test: { imports: TOP_FOLDERS },
};

const FORBIDDEN_FOLDERS = ['utils', 'util', 'helpers', 'common', 'misc', 'shared'];
const MOST_LINES = 400;

interface Room {
  readonly imports: readonly string[];
  /** What `import type` may name besides. */
  readonly types?: readonly string[];
  /** The room is the files right in the folder alone; each sub-folder needs a line of its own. */
  readonly isHallway?: boolean;
}

/** Something that breaks a rule. */
interface Problem {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** Checks the tree below `root` against every rule. */
export function checkTree(root: string): Problem[] {
  const files = readSourceTree(root, TOP_FOLDERS);
  return [...files.flatMap(file => RULES.flatMap(rule => rule(file))), ...checkCycles(files)];
}

/** What {@link ROOMS} allows and no file of the tree makes use of, as `room -> imported`. */
export function findUnused(root: string): string[] {
  const files = readSourceTree(root, TOP_FOLDERS);
  return Object.entries(ROOMS).flatMap(([name, { imports, types = [] }]) => {
    const used = files.filter(({ path }) => findRoom(path) === name).flatMap(file => file.imports);
    const needed = (path: string, withTypes: boolean) =>
      used.some(({ target, isTypeOnly }) => isWithin(target, path) && (withTypes || !isTypeOnly));
    return [
      ...imports.filter(path => !needed(path, false)),
      ...types.filter(path => !needed(path, true)),
    ].map(path => `${name} -> ${path}`);
  });
}

const RULES: readonly ((file: SourceFile) => Problem[])[] = [
  checkDirection,
  checkFolderNames,
  checkLength,
  checkBarrel,
  checkDefaultExport,
];

function checkDirection(file: SourceFile): Problem[] {
  const roomName = findRoom(file.path);
  if (roomName === null) {
    const message = `${dirname(file.path)} is no room of the house: describe it in ARCHITECTURE.md and in tools/check-imports.ts`;
    return [{ file: file.path, line: 1, message }];
  }
  const room = ROOMS[roomName];
  const problems: Problem[] = [];
  for (const { target, line, isTypeOnly } of file.imports) {
    const allowed = [roomName, ...room.imports, ...(isTypeOnly ? (room.types ?? []) : [])];
    if (allowed.some(path => isWithin(target, path)) || !isWithinAny(target, TOP_FOLDERS)) continue;
    const named = room.imports.length === 0 ? 'nothing but itself' : room.imports.join(', ');
    const asType = room.types === undefined ? '' : `; as type: ${room.types.join(', ')}`;
    problems.push({
      file: file.path,
      line,
      message: `${roomName} may not import ${target} (it may import: ${named}${asType})`,
    });
  }
  return problems;
}

function checkFolderNames({ path }: SourceFile): Problem[] {
  const folder = dirname(path)
    .split('/')
    .find(name => FORBIDDEN_FOLDERS.includes(name));
  if (folder === undefined) return [];
  return [
    {
      file: path,
      line: 1,
      message: `a folder called ${folder}: put the file beside the one thing it serves`,
    },
  ];
}

function checkLength(file: SourceFile): Problem[] {
  const lines = countLines(file);
  if (lines <= MOST_LINES || isWithin(file.path, 'test')) return [];
  const message = `${lines} lines, more than ${MOST_LINES}: the file is probably two`;
  return [{ file: file.path, line: MOST_LINES + 1, message }];
}

function checkBarrel(file: SourceFile): Problem[] {
  if (!isBarrel(file)) return [];
  return [{ file: file.path, line: 1, message: 'only re-exports: import from the files themselves' }];
}

function checkDefaultExport(file: SourceFile): Problem[] {
  const line = findDefaultExport(file);
  return line === null ? [] : [{ file: file.path, line, message: 'a default export: give it a name' }];
}

function checkCycles(files: readonly SourceFile[]): Problem[] {
  const paths = new Set(files.map(file => file.path));
  const graph = (withTypes: boolean) =>
    new Map(
      files.map(file => [
        file.path,
        file.imports
          .filter(({ target, isTypeOnly }) => paths.has(target) && (withTypes || !isTypeOnly))
          .map(({ target }) => target),
      ]),
    );
  const ofValues = findCycles(graph(false));
  const known = new Set(ofValues.flat());
  const ofTypes = findCycles(graph(true)).filter(cycle => !cycle.every(path => known.has(path)));
  const lineOf = (from: string, to: string) =>
    files.find(file => file.path === from)?.imports.find(({ target }) => target === to)?.line ?? 1;
  const describe = (cycle: string[], what: string): Problem => ({
    file: cycle[0],
    line: lineOf(cycle[0], cycle[1]),
    message: `${what}: ${cycle.join(' -> ')}`,
  });
  return [
    ...ofValues.map(cycle => describe(cycle, 'a cycle of imports')),
    ...ofTypes.map(cycle => describe(cycle, 'a cycle of imports, by types')),
  ];
}

/** The longest name in {@link ROOMS} that the file lies in; null where only a hallway would be left for a sub-folder. */
function findRoom(path: string): string | null {
  const names = Object.keys(ROOMS).filter(name => isWithin(path, name));
  const name = names.sort((a, b) => b.length - a.length).at(0);
  if (name === undefined || (ROOMS[name].isHallway && dirname(path) !== name)) return null;
  return name;
}

function isWithin(path: string, folderOrFile: string): boolean {
  return path === folderOrFile || path.startsWith(`${folderOrFile}/`);
}

function isWithinAny(path: string, folders: readonly string[]): boolean {
  return folders.some(folder => isWithin(path, folder));
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const problems = checkTree(dirname(dirname(fileURLToPath(import.meta.url))));
  for (const { file, line, message } of problems) console.error(`${file}:${line}: ${message}`);
  if (problems.length > 0) process.exitCode = 1;
}
