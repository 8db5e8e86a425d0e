import type { Static, TObject, TSchema } from '@sinclair/typebox';
import { withoutCredentials } from './excerpt.ts';
import { nearest } from './nearest.ts';
import { clip, formatKeyPath, type KeyPath, MAX_PROBLEMS, type Problem, problem } from './problem.ts';
import { isRequired, KEY, Mismatch, NOTATION, NULLABLE, ONE_OF, SECRET } from './setting.ts';
import { guessLongForm, meansNone } from './shorthand.ts';
import {
  type ListNode,
  type MapEntry,
  type MapNode,
  type Place,
  type ScalarNode,
  type SourceNode,
  wholeOf,
} from './source-tree.ts';

/** What a configuration turned out to be. */
interface ReadResult<T> {
  /**
   * With every default filled in, and frozen. Where there were errors, it is what could be understood (settings without
   * default are missing), which serves to look for further errors and for nothing else.
   */
  readonly value: T;
  readonly problems: Problem[];
  /** Where each setting that was given was written, by its formatted key path. */
  readonly written: WrittenSettings;
}

export type WrittenSettings = ReadonlyMap<string, Written>;

interface Written {
  readonly path: KeyPath;
  readonly keyAt: Place;
  readonly valueAt: Place;
}

/** Reads a tree by a schema of `setting.ts`: finds everything that is wrong, and fills in the defaults. */
export function read<S extends TSchema>(schema: S, root: MapNode): ReadResult<Static<S>> {
  const reader = new Reader();
  try {
    const value = reader.read(schema, root, []) as Static<S>;
    return { value, problems: reader.problems, written: reader.written };
  } catch (error) {
    if (!(error instanceof TooLarge)) throw error;
    const problems = [problem(root.at, '', `has more than ${MAX_NODES} values, aliases followed`)];
    return { value: defaultsOf(schema), problems, written: new Map() };
  }
}

/** Whether a key at the top is none of ours: a place for anchors, or for notes of whoever wrote it. */
export function isLeftToWriter(key: string): boolean {
  return key.startsWith('x-');
}

/** What a schema gives where nothing is said. */
export function defaultsOf<S extends TSchema>(schema: S): Static<S> {
  return defaultOf(schema) as Static<S>;
}

/** Defaults are frozen, so everything that has them can share them. */
const DEFAULTS = new WeakMap<TSchema, unknown>();

function defaultOf(schema: TSchema): unknown {
  if (!DEFAULTS.has(schema)) {
    const node = schema.type === 'object' ? EMPTY : nodeOf(schema.default ?? [], NOWHERE);
    DEFAULTS.set(schema, new Reader().read(schema, node, []));
  }
  return DEFAULTS.get(schema);
}

const NOWHERE = wholeOf('');
const EMPTY: MapNode = { kind: 'map', entries: [], at: NOWHERE };

/** Aliases make trees larger than their files: what a reasonable mesh has many times over. */
const MAX_NODES = 200_000;

class TooLarge extends Error {}

class Reader {
  readonly problems: Problem[] = [];
  readonly written = new Map<string, Written>();
  private nodes = 0;

  /** @returns undefined where there is no value to go on with */
  read(schema: TSchema, node: SourceNode, path: KeyPath): unknown {
    if (node.kind === 'broken') return undefined;
    if (++this.nodes > MAX_NODES) throw new TooLarge();
    if (isBlank(node) && (!isScalar(schema) || (node.untyped && isDispensable(schema)))) {
      return this.absent(schema, path, node.at);
    }
    if (node.kind === 'scalar' && schema[NULLABLE]?.word === node.text) return null;
    if (schema.anyOf !== undefined) return this.readEither(schema, node, path);
    if (schema.type === 'object') {
      if (node.kind !== 'map') return this.mismatch(schema, node, path);
      return schema[KEY] === undefined
        ? this.readSection(schema as TObject, node, path)
        : this.readMap(schema, node, path);
    }
    if (schema.type === 'array') {
      return node.kind === 'list' ? this.readList(schema, node, path) : this.mismatch(schema, node, path);
    }
    return this.readScalar(schema, node, path);
  }

  private readScalar(schema: TSchema, node: SourceNode, path: KeyPath): unknown {
    if (node.kind !== 'scalar') return this.mismatch(schema, node, path);
    const value = schema[NOTATION]?.read(node);
    return value instanceof Mismatch ? this.mismatch(schema, node, path, value) : value;
  }

  private readSection(schema: TObject, node: MapNode, path: KeyPath): unknown {
    const given = new Map<string, MapEntry>();
    for (const entry of node.entries) {
      if (Object.hasOwn(schema.properties, entry.key)) given.set(entry.key, entry);
      else if (path.length > 0 || !isLeftToWriter(entry.key)) this.unknownKey(schema, entry, path);
    }
    const value: Record<string, unknown> = {};
    for (const [key, setting] of Object.entries(schema.properties)) {
      const entry = given.get(key);
      const inner = [...path, key];
      value[key] =
        entry === undefined ? this.absent(setting, inner, node.at) : this.readEntry(setting, entry, inner);
      if (value[key] === undefined && entry !== undefined) value[key] = this.stopgap(setting, inner);
    }
    this.checkOneOf(schema, given, node, path);
    return Object.freeze(value);
  }

  private readEntry(schema: TSchema, entry: MapEntry, path: KeyPath): unknown {
    this.note(path, entry.keyAt, entry.value.at);
    return this.read(schema, entry.value, path);
  }

  private checkOneOf(
    schema: TObject,
    given: ReadonlyMap<string, MapEntry>,
    node: MapNode,
    path: KeyPath,
  ): void {
    const keys = schema[ONE_OF];
    if (keys === undefined) return;
    const present = keys.flatMap(key => given.get(key) ?? []);
    // One that was mistyped has been told of already.
    const isMistyped = node.entries.some(({ key }) => !given.has(key) && nearest(key, keys) !== null);
    if (present.length === 1 || (present.length === 0 && isMistyped)) return;
    const expected = `exactly one of ${keys.join(', ')}`;
    const found = present.map(entry => entry.key).join(' and ') || 'none';
    this.report(present.at(-1)?.keyAt ?? node.at, path, { expected, found, suggestion: null });
  }

  private readMap(schema: TSchema, node: MapNode, path: KeyPath): unknown {
    const form = schema[KEY];
    const [pattern, setting] = Object.entries(schema.patternProperties as Record<string, TSchema>)[0];
    const isKey = new RegExp(pattern, 'u');
    const value: Record<string, unknown> = {};
    for (const entry of node.entries) {
      const inner = [...path, entry.key];
      if (isKey.test(entry.key) && entry.key !== '__proto__') {
        const read = this.readEntry(setting, entry, inner);
        if (read !== undefined) value[entry.key] = read;
      } else {
        const found = quote(entry.key);
        const reversed = reverse(entry, isKey, setting);
        const suggestion = reversed ?? form?.guess?.(entry.key) ?? null;
        if (reversed === null) this.readEntry(setting, entry, inner);
        this.report(entry.keyAt, inner, { expected: `a key that is ${form?.expected}`, found, suggestion });
      }
    }
    return Object.freeze(value);
  }

  private readList(schema: TSchema, node: ListNode, path: KeyPath): unknown {
    const { minItems = 0, maxItems } = schema;
    if (node.items.length < minItems || node.items.length > maxItems) {
      const found = `${node.items.length}`;
      this.report(node.at, path, { expected: `${minItems} to ${maxItems} items`, found, suggestion: null });
    }
    const items: unknown[] = [];
    for (const [index, item] of node.items.slice(0, maxItems).entries()) {
      const inner = [...path, index];
      this.note(inner, item.at, item.at);
      const value = this.read(schema.items, item, inner);
      if (value !== undefined) items.push(value);
    }
    return Object.freeze(items);
  }

  private readEither(schema: TSchema, node: SourceNode, path: KeyPath): unknown {
    const forms = (schema.anyOf as TSchema[]).filter(form => shapeOf(form) === node.kind);
    if (forms.length === 1 && node.kind !== 'scalar') return this.read(forms[0], node, path);
    if (node.kind !== 'scalar') return this.mismatch(schema, node, path);
    let closest = new Mismatch();
    for (const form of forms) {
      const value = form[NOTATION]?.read(node);
      if (!(value instanceof Mismatch)) return value;
      if (value.suggestion !== null || closest.suggestion === null) {
        closest = new Mismatch(value.suggestion, [...closest.words, ...value.words]);
      }
    }
    return this.mismatch(schema, node, path, closest);
  }

  private note(path: KeyPath, keyAt: Place, valueAt: Place): void {
    if (valueAt !== NOWHERE) this.written.set(formatKeyPath(path), { path, keyAt, valueAt });
  }

  /** The value of a setting that was not given. */
  private absent(schema: TSchema, path: KeyPath, at: Place): unknown {
    const absence = schema[NULLABLE];
    if (schema.default === undefined && absence !== undefined && !absence.isOn) return null;
    if (!isRequired(schema)) return defaultOf(schema);
    if (schema.type === 'object') return this.read(schema, { kind: 'map', entries: [], at }, path);
    this.report(at, path, { expected: expectationOf(schema), found: null, suggestion: null });
    return undefined;
  }

  /** What stands in for a value that could not be read, so that the rest can be judged. */
  private stopgap(schema: TSchema, path: KeyPath): unknown {
    if (!isRequired(schema)) return this.absent(schema, path, NOWHERE);
    return schema.type === 'object' ? new Reader().read(schema, EMPTY, path) : undefined;
  }

  private mismatch(schema: TSchema, node: SourceNode, path: KeyPath, why = new Mismatch()): undefined {
    const word = schema[NULLABLE]?.word ?? null;
    const words = word === null ? why.words : [...why.words, word];
    const near = node.kind === 'scalar' ? guess(schema, node, words) : null;
    const expected = word === null ? expectationOf(schema) : `${expectationOf(schema)}, or ${word}`;
    const found = schema[SECRET] === undefined ? describe(node) : 'a value that is not shown';
    const hint = node.kind === 'scalar' && meansNone(node) ? absenceOf(schema) : '';
    this.report(node.at, path, { expected, found, suggestion: why.suggestion ?? near }, hint);
  }

  private unknownKey(schema: TObject, entry: MapEntry, path: KeyPath): void {
    if (this.problems.length >= MAX_PROBLEMS) return;
    const keys = Object.keys(schema.properties);
    const suggestion = nearest(entry.key, keys) ?? deeper(schema, entry.key);
    const question = suggestion === null ? '' : `; did you mean ${suggestion}?`;
    const expected = keys.length === 0 ? 'none' : `one of ${keys.join(', ')}`;
    this.problems.push({
      severity: 'error',
      at: entry.keyAt,
      key: formatKeyPath([...path, entry.key]),
      message: `unknown key${question || `, expected ${expected}`}`,
      found: clip(entry.key),
      expected,
      suggestion,
    });
  }

  /** @param hint what is said where there is no suggestion */
  private report(
    at: Place,
    path: KeyPath,
    what: Pick<Problem, 'expected' | 'found' | 'suggestion'>,
    hint = '',
  ): void {
    if (this.problems.length >= MAX_PROBLEMS) return;
    const { expected, found, suggestion } = what;
    const question = suggestion === null ? hint : `; did you mean ${suggestion}?`;
    const complaint =
      found === null ? `is missing, expected ${expected}` : `expected ${expected}, found ${found}`;
    const message = `${complaint}${question}`;
    this.problems.push({ severity: 'error', at, key: formatKeyPath(path), message, ...what });
  }
}

/** What was probably meant where the setting itself has no idea. */
function guess(schema: TSchema, node: ScalarNode, words: readonly string[]): string | null {
  const word = schema[NULLABLE]?.word ?? null;
  if (word !== null && meansNone(node)) return word;
  if (/^\$[A-Za-z_]\w*$/.test(node.text)) return `\${${node.text.slice(1)}}`;
  return nearest(node.text, words) ?? guessLongForm(schema, node);
}

/** How to say that there is none where no word does. */
function absenceOf(schema: TSchema): string {
  const absence = schema[NULLABLE];
  return absence === undefined || absence.word !== null ? '' : `; not given means ${absence.means}`;
}

/** Nothing was written, or what was written came out empty. */
function isBlank(node: SourceNode): node is ScalarNode {
  return node.kind === 'scalar' && (node.value === null || (node.untyped && node.text === ''));
}

function isScalar(schema: TSchema): boolean {
  return schema.anyOf !== undefined || shapeOf(schema) === 'scalar';
}

function isDispensable(schema: TSchema): boolean {
  return schema.default !== undefined || schema[NULLABLE] !== undefined;
}

function shapeOf(schema: TSchema): SourceNode['kind'] {
  if (schema.type === 'object') return 'map';
  return schema.type === 'array' ? 'list' : 'scalar';
}

/** What a setting takes, as a noun. */
function expectationOf(schema: TSchema): string {
  if (schema.anyOf !== undefined) return (schema.anyOf as TSchema[]).map(expectationOf).join(', or ');
  const notation = schema[NOTATION];
  if (notation !== undefined) return notation.expected;
  if (schema.type === 'array') return `a list, each item ${expectationOf(schema.items)}`;
  if (schema[KEY] !== undefined) return `a map, each key ${schema[KEY].expected}`;
  return `a map with ${Object.keys(schema.properties).join(', ')}`;
}

/** An entry with key and value exchanged, where both would then be right. */
function reverse({ key, value }: MapEntry, isKey: RegExp, setting: TSchema): string | null {
  if (value.kind !== 'scalar' || !isKey.test(value.text)) return null;
  const scalar: ScalarNode = { ...value, value: key, text: key };
  const read = setting[NOTATION]?.read(scalar);
  return read === undefined || read instanceof Mismatch ? null : `${value.text}: ${key}`;
}

/** A section right below that knows the key. */
function deeper(schema: TObject, key: string): string | null {
  const owners = Object.entries(schema.properties).filter(
    ([, setting]) => setting.type === 'object' && Object.hasOwn(setting.properties ?? {}, key),
  );
  return owners.length === 1 ? `${owners[0][0]}.${key}` : null;
}

function describe(node: SourceNode): string {
  if (node.kind !== 'scalar') return node.kind === 'list' ? 'a list' : 'a map';
  if (node.value === null) return 'nothing';
  return typeof node.value === 'string' ? quote(withoutCredentials(node.text)) : clip(node.text);
}

function quote(text: string): string {
  return JSON.stringify(clip(text));
}

/** A default, written as a tree. */
function nodeOf(value: unknown, at: Place): SourceNode {
  if (Array.isArray(value)) return { kind: 'list', items: value.map(item => nodeOf(item, at)), at };
  return {
    kind: 'scalar',
    value: value as ScalarNode['value'],
    text: String(value),
    untyped: false,
    at,
  };
}
