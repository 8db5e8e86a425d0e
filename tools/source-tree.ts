import { readdirSync, readFileSync } from 'node:fs';
import { join, posix, relative, sep } from 'node:path';

/** One source file as the rules of the house see it. */
export interface SourceFile {
  /** From the root of the tree, with forward slashes. */
  readonly path: string;
  readonly text: string;
  readonly imports: readonly SourceImport[];
}

/** One `import … from`, `export … from` or `import(…)` of another file of the tree; packages are left out. */
interface SourceImport {
  /** The imported file, from the root of the tree. */
  readonly target: string;
  readonly line: number;
  /** True where nothing is left of it at run time. */
  readonly isTypeOnly: boolean;
}

const SOURCE = /\.(?:ts|js|mjs)$/;

/** Reads every source file below the folders of `root`; folders that are not there are left out. */
export function readSourceTree(root: string, folders: readonly string[]): SourceFile[] {
  const present = readdirSync(root);
  return folders
    .filter(folder => present.includes(folder))
    .flatMap(folder => readdirSync(join(root, folder), { recursive: true, withFileTypes: true }))
    .filter(entry => entry.isFile() && SOURCE.test(entry.name) && !entry.parentPath.includes('node_modules'))
    .map(entry => join(entry.parentPath, entry.name))
    .map(file => parseSource(relative(root, file).replaceAll(sep, '/'), readFileSync(file, 'utf8')))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/**
 * Finds the imports of a file by their look alone: the formatter puts every import and export at the start of a line,
 * so no parser is needed to know them. A test holds the result against esbuild's.
 */
export function parseSource(path: string, text: string): SourceFile {
  const code = blankComments(text);
  const imports: SourceImport[] = [];
  for (const pattern of [IMPORT, REEXPORT, DYNAMIC_IMPORT]) {
    for (const { index, groups } of code.matchAll(pattern)) {
      const specifier = groups?.specifier ?? '';
      if (!specifier.startsWith('.')) continue;
      imports.push({
        target: posix.join(posix.dirname(path), specifier),
        line: lineAt(text, index),
        isTypeOnly: groups?.type !== undefined,
      });
    }
  }
  imports.sort((a, b) => a.line - b.line);
  return { path, text, imports };
}

const IMPORT = /^import\s+(?<type>type\s+)?(?:[\w*{][^'"]*?\sfrom\s+)?['"](?<specifier>[^'"]+)['"]/gm;
const REEXPORT = /^export\s+(?<type>type\s+)?(?:\*|\{)[^'";]*?\sfrom\s+['"](?<specifier>[^'"]+)['"]/gm;
const DYNAMIC_IMPORT = /\b(?<type>typeof\s+)?import\(\s*['"](?<specifier>[^'"]+)['"]/g;

/** Whether a file holds nothing but re-exports. */
export function isBarrel(file: SourceFile): boolean {
  const code = blankComments(file.text);
  const rest = code
    .replaceAll(REEXPORT, '')
    .replaceAll(IMPORT, '')
    .replaceAll(/^export\s+\{[^}]*\}/gm, '');
  return /^export\b/m.test(code) && /^[\s;]*$/.test(rest);
}

/** The line of a default export, or null. */
export function findDefaultExport(file: SourceFile): number | null {
  const at = blankComments(file.text).search(/^export\s+(?:default\b|\{[^}]*\bas\s+default\b)/m);
  return at === -1 ? null : lineAt(file.text, at);
}

/** How many lines a file has. */
export function countLines(file: SourceFile): number {
  return lineAt(file.text, file.text.trimEnd().length);
}

/** Comments become blanks of the same length, so that places stay what they are. Strings are kept: they may hold `//`. */
function blankComments(text: string): string {
  return text.replaceAll(STRING_OR_COMMENT, match =>
    match.startsWith('/') ? match.replaceAll(/[^\n]/g, ' ') : match,
  );
}

const STRING_OR_COMMENT =
  /'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|\/\/[^\n]*|\/\*[\s\S]*?\*\//g;

function lineAt(text: string, offset: number): number {
  let line = 1;
  for (let i = text.indexOf('\n'); i !== -1 && i < offset; i = text.indexOf('\n', i + 1)) line++;
  return line;
}
