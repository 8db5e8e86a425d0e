import { isUtf8 } from 'node:buffer';
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type LineCounter,
  type ParsedNode,
  type Scalar,
  stringify,
  type YAMLError,
  type YAMLMap,
} from 'yaml';
import { type Environment, fillFromEnvironment, hasReference } from './environment.ts';
import { clip, formatKeyPath, type KeyPath, MAX_PROBLEMS, type Problem, problem } from './problem.ts';
import { MAX_FILE_BYTES, type SourceFile } from './source-file.ts';
import type { BrokenNode, MapEntry, MapNode, Place, ScalarNode, SourceNode } from './source-tree.ts';
import { parseYamlDocument } from './yaml-document.ts';

// Whoever is in a sidecar's bundle loads this file by `import()`: one without a file of settings does without the parser, and so
// without 3 MB of memory.

/** What is given as a YAML document. */
export function formatYaml(value: unknown): string {
  return stringify(value);
}

/**
 * Parses YAML 1.2 (and so JSON). Never throws for what the bytes are. Aliases and merge keys (`<<`) are followed;
 * `${NAME}` is filled in after parsing, so that what the environment holds can't become structure.
 * @param name what to call the file in messages
 */
export function parseYaml(name: string, bytes: Uint8Array, environment: Environment): SourceFile {
  const whole: Place = { source: name, line: 1, column: 1, length: 1 };
  const unusable = (message: string, at = whole): SourceFile => ({
    root: null,
    problems: [problem(at, '', message)],
    lines: [],
  });
  if (bytes.length > MAX_FILE_BYTES) return unusable(`the file has more than ${MAX_FILE_BYTES / 1024} KiB`);
  const encoding = complainOfEncoding(bytes, name);
  if (encoding !== null) return unusable(encoding.message, encoding.at);

  const text = new TextDecoder().decode(bytes);
  const lines = text.split(/\r\n|\r|\n/);
  const parsed = parseYamlDocument(text);
  if ('tooDeepAt' in parsed) {
    const line = text.slice(0, parsed.tooDeepAt).split('\n').length;
    return unusable('the file is nested too deeply', { ...whole, line });
  }
  const converter = new Converter(name, text, parsed.counter, environment);
  const problems = firstOfEachLine(parsed.complaints, parsed.counter)
    .slice(0, MAX_COMPLAINTS)
    .map(complaint => converter.explain(complaint, lines));
  if (parsed.secondAt !== null) {
    problems.push(
      problem(
        converter.placeAt(parsed.secondAt, parsed.secondAt),
        '',
        'a second document begins here (---), expected one',
      ),
    );
  }
  if (problems.length > 0) return { root: null, problems, lines };
  const { contents } = parsed.document;
  if (contents === null || (isScalar(contents) && contents.value === null)) {
    return {
      root: null,
      problems: [problem(whole, '', 'the file is empty; one with all defaults is {}')],
      lines,
    };
  }
  return { root: converter.convertRoot(contents), problems: converter.problems, lines };
}

/** One slip in YAML makes the parser complain of much that follows. */
const MAX_COMPLAINTS = 5;

function firstOfEachLine(complaints: readonly YAMLError[], counter: LineCounter): YAMLError[] {
  const lines = new Set<number>();
  return complaints.filter(({ pos }) => {
    const { line } = counter.linePos(pos[0]);
    return !lines.has(line) && lines.add(line);
  });
}

function complainOfEncoding(bytes: Uint8Array, source: string): { message: string; at: Place } | null {
  if (isUtf8(bytes) && !bytes.includes(0)) return null;
  const isUtf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff);
  if (isUtf16) {
    return { message: 'the file is UTF-16, expected UTF-8', at: { source, line: 1, column: 1, length: 1 } };
  }
  const lines = Buffer.from(bytes).toString('latin1').split('\n');
  const index = lines.findIndex(line => !isUtf8(Buffer.from(line, 'latin1')) || line.includes('\0'));
  const decoded = Buffer.from(lines[index] ?? '', 'latin1').toString('utf8');
  const column = Math.max(decoded.search(/[\0\ufffd]/), 0) + 1;
  const message = bytes.includes(0) ? 'the file has a NUL byte: it is no text' : 'the file is not UTF-8';
  return { message, at: { source, line: index + 1, column, length: 1 } };
}

/** A merge copies the keys of a map, so that a small file could become a large tree. */
const MAX_MERGED = 100_000;

/** Stands for an anchor whose node is not complete yet. */
const IN_PROGRESS = 'in progress';

/** Turns the parser's nodes into a tree of our own; every complaint about form that the parser does not make is made here. */
class Converter {
  readonly problems: Problem[] = [];
  private readonly source: string;
  private readonly text: string;
  private readonly counter: LineCounter;
  private readonly environment: Environment;
  private merged = 0;
  private readonly anchors = new Map<string, SourceNode | typeof IN_PROGRESS>();

  constructor(source: string, text: string, counter: LineCounter, environment: Environment) {
    this.source = source;
    this.text = text;
    this.counter = counter;
    this.environment = environment;
  }

  convertRoot(contents: ParsedNode): MapNode | null {
    const root = this.convert(contents, []);
    if (root.kind === 'map') return root;
    const found = root.kind === 'list' ? 'a list' : 'a single value';
    const isCramped = root.kind === 'scalar' && /^[\w-]+:\S/.test(root.text);
    const hint = isCramped ? '; behind the colon of a key there has to be a space' : '';
    if (root.kind !== 'broken')
      this.complain(root.at, [], `expected settings (key: value), found ${found}${hint}`);
    return null;
  }

  private convert(node: ParsedNode, path: KeyPath): SourceNode {
    const at = this.placeOf(node);
    if (isAlias(node)) {
      const target = this.anchors.get(node.source);
      if (target === undefined)
        return this.broken(at, path, `no anchor &${clip(node.source)} comes before this`);
      if (target === IN_PROGRESS)
        return this.broken(at, path, `*${clip(node.source)} can not contain itself`);
      // The alias is where the reader would look for the mistake of a scalar; inside of maps and lists it is the original.
      return { ...target, at };
    }
    const { anchor } = node;
    if (anchor !== undefined) this.anchors.set(anchor, IN_PROGRESS);
    const converted = this.convertOwn(node, at, path);
    if (anchor !== undefined) this.anchors.set(anchor, converted);
    return converted;
  }

  private convertOwn(node: ParsedNode, at: Place, path: KeyPath): SourceNode {
    if (isMap(node)) return this.convertMap(node, at, path);
    if (isSeq(node)) {
      const items = node.items.map((item, index) => this.convert(item as ParsedNode, [...path, index]));
      return { kind: 'list', items, at };
    }
    return this.convertScalar(node as Scalar.Parsed, at, path);
  }

  private convertScalar(node: Scalar.Parsed, at: Place, path: KeyPath): ScalarNode | BrokenNode {
    const { value } = node;
    if (typeof value === 'string' && hasReference(value)) {
      const filled = fillFromEnvironment(value, this.environment);
      if (filled.ok) return { kind: 'scalar', value: filled.text, text: filled.text, untyped: true, at };
      return this.broken(this.placeWithin(node, filled.reference), path, filled.message);
    }
    const isPlainValue = value === null || ['string', 'number', 'boolean'].includes(typeof value);
    if (!isPlainValue) return this.broken(at, path, 'expected text, a number, true or false');
    const text = typeof value === 'string' ? value : (node.source ?? '');
    return { kind: 'scalar', value: value as ScalarNode['value'], text, untyped: false, at };
  }

  private convertMap(node: YAMLMap.Parsed, at: Place, path: KeyPath): MapNode {
    const entries = new Map<string, MapEntry>();
    const merged: MapEntry[] = [];
    for (const { key, value } of node.items) {
      const keyAt = this.placeOf(key);
      if (!isScalar(key)) {
        this.complain(keyAt, path, 'expected a key of plain text');
        continue;
      }
      const name = typeof key.value === 'string' ? key.value : (key.source ?? '');
      const inner = [...path, name];
      const converted = value === null ? nothing(keyAt) : this.convert(value, inner);
      const earlier = entries.get(name);
      if (name === '<<' && key.type === 'PLAIN') {
        for (const entry of this.mergedEntries(converted, path)) merged.push(entry);
      } else if (name === '') this.complain(keyAt, path, 'expected a key before the colon');
      else if (earlier === undefined) entries.set(name, { key: name, keyAt, value: converted });
      else this.complain(keyAt, inner, `given twice; the first one is in line ${earlier.keyAt.line}`);
    }
    for (const entry of merged) if (!entries.has(entry.key)) entries.set(entry.key, entry);
    this.merged += merged.length;
    return { kind: 'map', entries: [...entries.values()], at };
  }

  /** What `<<` brings in; of several maps the first one that has a key counts. */
  private mergedEntries(node: SourceNode, path: KeyPath): readonly MapEntry[] {
    if (this.merged > MAX_MERGED) return this.refuseMerge(node.at, path);
    const maps = node.kind === 'list' ? node.items : [node];
    const entries: MapEntry[] = [];
    for (const map of maps) {
      if (this.merged + entries.length > MAX_MERGED) return this.refuseMerge(node.at, path);
      if (map.kind === 'map') for (const entry of map.entries) entries.push(entry);
      else if (map.kind !== 'broken')
        this.complain(map.at, path, 'expected a map to merge, or a list of maps');
    }
    return entries;
  }

  private refuseMerge(at: Place, path: KeyPath): readonly MapEntry[] {
    if (this.merged < Number.POSITIVE_INFINITY) {
      this.complain(at, path, `merges too much: more than ${MAX_MERGED} keys in all`);
    }
    this.merged = Number.POSITIVE_INFINITY;
    return [];
  }

  /** A parser's complaint in words of our own, where there are better ones. */
  explain(complaint: YAMLError, lines: readonly string[]): Problem {
    const at = this.placeAt(complaint.pos[0], complaint.pos[1]);
    const own = EXPLANATIONS[complaint.code];
    const line = lines[at.line - 1] ?? '';
    // Of a line only so much, since each bracket in it is tried.
    const hint = /[[{,][^"']*\$\{/.test(line.slice(0, 500))
      ? `; inside of braces and brackets, \${…} has to stand in quotes`
      : '';
    const message = own ?? `not valid YAML: ${clip(complaint.message.replace(/\s+/g, ' '), 200)}`;
    return problem(at, '', message + hint);
  }

  private broken(at: Place, path: KeyPath, message: string): BrokenNode {
    this.complain(at, path, message);
    return { kind: 'broken', at };
  }

  private complain(at: Place, path: KeyPath, message: string): void {
    if (this.problems.length < MAX_PROBLEMS) this.problems.push(problem(at, formatKeyPath(path), message));
  }

  private placeOf(node: ParsedNode): Place {
    return this.placeAt(node.range[0], node.range[1]);
  }

  /** The place of a piece of a scalar's text, or of the scalar where it is written differently there. */
  private placeWithin(node: Scalar.Parsed, piece: string): Place {
    const [start, end] = node.range;
    const offset = this.text.slice(start, end).indexOf(piece);
    return offset < 0 ? this.placeOf(node) : this.placeAt(start + offset, start + offset + piece.length);
  }

  placeAt(start: number, end: number): Place {
    const { line, col } = this.counter.linePos(start);
    const lineEnd = this.text.slice(start, end).search(/[\r\n]/);
    const length = Math.max(1, lineEnd < 0 ? end - start : lineEnd);
    return { source: this.source, line: Math.max(1, line), column: Math.max(1, col), length };
  }
}

function nothing(at: Place): ScalarNode {
  return { kind: 'scalar', value: null, text: '', untyped: false, at };
}

const EXPLANATIONS: Partial<Record<YAMLError['code'], string>> = {
  BLOCK_AS_IMPLICIT_KEY: 'one key a line; a value that has a colon and a space in it has to stand in quotes',
  BAD_SCALAR_START: 'a value that begins with @ or ` has to stand in quotes',
  BAD_ALIAS: 'a value that begins with * or & has to stand in quotes, unless it repeats or marks something',
  TAB_AS_INDENT: 'a tab can not indent; use spaces',
  TAG_RESOLVE_FAILED: 'tags (!…) mean nothing here; leave it out',
  RESOURCE_EXHAUSTION: 'the file is nested too deeply',
};
