// By name, since esbuild can't leave out anything of `Type`: a hundred kilobytes.
import {
  Array as ArrayOf,
  Object as ObjectOf,
  type Static,
  type TArray,
  type TObject,
  type TProperties,
  type TSchema,
  type TUnsafe,
  Unsafe,
} from '@sinclair/typebox';
import { BYTE_SIZE_PATTERN, formatByteSize, parseByteSize } from './byte-size.ts';
import { DURATION_PATTERN, formatDuration, parseDuration } from './duration.ts';
import { formatRatio, parseRatio, RATIO_PATTERN } from './ratio.ts';
import type { ScalarNode } from './source-tree.ts';

/**
 * The words in which a configuration's schema is written. A setting is a TypeBox schema of what the *file* says (so
 * JSON Schema and editors come for free) whose static type is what the *program* gets: `5s` in the file is the number
 * 5000. How one turns into the other hangs on the schema as its {@link Notation}; `read.ts` applies it.
 */
interface Notation<T> {
  /** What the setting takes, as an error message says it: `a duration from 1ms to 1h, such as 5s`. */
  readonly expected: string;
  /** The unit or form for the reference page: `duration`, `count`, … */
  readonly form: string;
  /** Permitted values for the reference page, or null where the form says it all. */
  readonly range: string | null;
  read(scalar: ScalarNode): T | Mismatch;
  /** The value as the file would say it. */
  print(value: T): string | number | boolean;
}

/** The scalar is not what the setting takes. */
export class Mismatch {
  /** What was probably meant, in the file's notation. */
  readonly suggestion: string | null;
  /** The permitted words, where a near one is the likely cure. */
  readonly words: readonly string[];

  constructor(suggestion: string | null = null, words: readonly string[] = []) {
    this.suggestion = suggestion;
    this.words = words;
  }
}

/** Where a schema keeps its {@link Notation}; a symbol, so that JSON Schema doesn't show it. */
export const NOTATION: unique symbol = Symbol('notation');
/** Set on a setting that may be absent without having a default: the program gets null. */
export const NULLABLE: unique symbol = Symbol('nullable');
/** Set on a setting whose value is never shown. */
export const SECRET: unique symbol = Symbol('secret');
/** Set on a {@link section}: the keys of which exactly one has to be given. */
export const ONE_OF: unique symbol = Symbol('oneOf');
/** Set on a {@link mapOf}: what its keys look like. */
export const KEY: unique symbol = Symbol('key');

declare module '@sinclair/typebox' {
  interface SchemaOptions {
    [NOTATION]?: Notation<unknown>;
    [NULLABLE]?: Absence;
    [SECRET]?: true;
    [ONE_OF]?: readonly string[];
    [KEY]?: KeyForm;
  }
}

/** What it means that a setting is absent. */
interface Absence {
  /** Said in the reference page instead of a default: `no limit`. */
  readonly means: string;
  /** The word that says the same in the file, so that it can be said explicitly; null where there is none. */
  readonly word: string | null;
  /** Absent, it has its defaults all the same: only the word means what {@link means} says. */
  readonly isOn?: true;
}

/** What every setting says about itself; a setting without default has to be given. */
interface About<D> {
  readonly description: string;
  /** In the file's notation. */
  readonly default?: D;
}

function scalar<T>(
  schema: Record<string, unknown>,
  about: About<unknown>,
  notation: Notation<T>,
): TUnsafe<T> {
  return Unsafe<T>({ ...schema, ...about, [NOTATION]: notation as Notation<unknown> });
}

/** A length of time; milliseconds inside. */
export function duration(about: About<string> & { min: string; max: string }): TUnsafe<number> {
  const { min, max, ...rest } = about;
  return scalar({ type: 'string', pattern: DURATION_PATTERN }, rest, {
    form: 'duration',
    range: `${min} to ${max}`,
    expected: `a duration from ${min} to ${max}, such as ${about.default ?? '5s'}`,
    read: bounded(
      parseDuration,
      formatDuration,
      parseDuration(min) ?? 0,
      parseDuration(max) ?? 0,
      guessDuration,
    ),
    print: formatDuration,
  });
}

/** An amount of bytes. */
export function byteSize(about: About<string> & { min: string; max: string }): TUnsafe<number> {
  const { min, max, ...rest } = about;
  return scalar({ type: 'string', pattern: BYTE_SIZE_PATTERN }, rest, {
    form: 'size',
    range: `${min} to ${max}`,
    expected: `a size from ${min} to ${max}, such as ${about.default ?? '1MiB'}`,
    read: bounded(
      parseByteSize,
      formatByteSize,
      parseByteSize(min) ?? 0,
      parseByteSize(max) ?? 0,
      guessByteSize,
    ),
    print: formatByteSize,
  });
}

/** A part of a whole; 0 to 1 inside. */
export function ratio(about: About<string> & { min?: string }): TUnsafe<number> {
  const { min = '0%', ...rest } = about;
  return scalar({ type: 'string', pattern: RATIO_PATTERN }, rest, {
    form: 'percentage',
    range: `${min} to 100%`,
    expected: `a percentage from ${min} to 100%, such as ${about.default ?? '50%'}`,
    read: bounded(parseRatio, formatRatio, parseRatio(min) ?? 0, 1, guessRatio),
    print: formatRatio,
  });
}

/** A whole number. */
export function count(about: About<number> & { min: number; max: number }): TUnsafe<number> {
  return number(about, 'count', 'a whole number', Number.isSafeInteger, 'integer');
}

/** A number that may have a fraction. */
export function decimal(about: About<number> & { min: number; max: number }): TUnsafe<number> {
  return number(about, 'number', 'a number', Number.isFinite, 'number');
}

function number(
  about: About<number> & { min: number; max: number },
  form: string,
  noun: string,
  isFit: (value: number) => boolean,
  type: string,
): TUnsafe<number> {
  const { min, max, ...rest } = about;
  return scalar({ type, minimum: min, maximum: max }, rest, {
    form,
    range: `${min} to ${max}`,
    expected: `${noun} from ${min} to ${max}`,
    read(node) {
      const value = numberIn(node);
      if (value !== null && isFit(value) && value >= min && value <= max) return value;
      if (value !== null || !/^\d[\d_, ]*$/.test(node.text)) return new Mismatch();
      const meant = Number(node.text.replace(/[_, ]/g, ''));
      if (meant < min || meant > max) return new Mismatch();
      return new Mismatch(`${meant}` === node.text ? `${meant}, without quotes` : `${meant}`);
    },
    print: value => value,
  });
}

/** A number as written in YAML, or in text that nobody has typed. */
function numberIn(node: ScalarNode): number | null {
  if (typeof node.value === 'number') return node.value;
  return node.untyped && /^[-+]?\d+(\.\d+)?$/.test(node.text) ? Number(node.text) : null;
}

/** `true` or `false`. */
export function toggle(about: About<boolean>): TUnsafe<boolean> {
  return scalar({ type: 'boolean' }, about, {
    form: 'true or false',
    range: null,
    expected: 'true or false',
    read(node) {
      if (typeof node.value === 'boolean') return node.value;
      if (node.untyped && (node.text === 'true' || node.text === 'false')) return node.text === 'true';
      if (/^(yes|on|y)$/i.test(node.text)) return new Mismatch('true');
      if (/^(no|off|n)$/i.test(node.text)) return new Mismatch('false');
      return new Mismatch(null, ['true', 'false']);
    },
    print: value => value,
  });
}

/** One of a closed list of words. */
export function choice<const W extends string>(words: readonly W[], about: About<W>): TUnsafe<W> {
  return scalar({ type: 'string', enum: words }, about, {
    form: words.map(word => `\`${word}\``).join(', '),
    range: null,
    expected: words.length === 1 ? words[0] : `one of ${words.join(', ')}`,
    read: node => words.find(word => word === node.text) ?? new Mismatch(null, words),
    print: value => value,
  });
}

/** Text of a certain form. */
export interface TextForm {
  /** Says what is expected, as a noun: `a path that starts with a slash`. */
  readonly expected: string;
  readonly form: string;
  readonly pattern: string;
  /** A likely correction of what does not fit, or null. */
  readonly guess?: (text: string) => string | null;
}

export function text(form: TextForm, about: About<string>): TUnsafe<string> {
  const pattern = new RegExp(form.pattern, 'u');
  return scalar({ type: 'string', pattern: form.pattern }, about, {
    form: form.form,
    range: null,
    expected: form.expected,
    read(node) {
      const fits = (node.untyped || typeof node.value === 'string') && pattern.test(node.text);
      const guess = form.guess?.(node.text) ?? null;
      return fits ? node.text : new Mismatch(guess !== null && pattern.test(guess) ? guess : null);
    },
    print: value => value,
  });
}

/** Text whose parts matter to the program: `parse` gives null where it does not fit the form. */
export function parsed<T>(
  form: TextForm & { parse: (text: string) => T | null; print: (value: T) => string },
  about: About<string>,
): TUnsafe<T> {
  return scalar({ type: 'string', pattern: form.pattern }, about, {
    form: form.form,
    range: null,
    expected: form.expected,
    read(node) {
      const value = node.untyped || typeof node.value === 'string' ? form.parse(node.text) : null;
      if (value !== null) return value;
      const guess = form.guess?.(node.text) ?? null;
      return new Mismatch(guess !== null && form.parse(guess) !== null ? guess : null);
    },
    print: form.print,
  });
}

const LABEL_PATTERN = '^[^\\u0000-\\u001f\\u007f-\\u009f]{0,256}$';
const LABEL = new RegExp(LABEL_PATTERN, 'u');

/** A word of the user's own; numbers are taken as they are written, so that `version: 1.10` does not become 1.1. */
export function label(about: About<string>): TUnsafe<string> {
  return scalar({ type: ['string', 'number', 'boolean'], pattern: LABEL_PATTERN }, about, {
    form: 'text',
    range: 'up to 256 characters',
    expected: 'text of up to 256 printable characters',
    read: node => (node.value !== null && LABEL.test(node.text) ? node.text : new Mismatch()),
    print: value => value,
  });
}

/** Marks a setting that is never shown. */
export function secret(setting: TUnsafe<string>): TUnsafe<string> {
  return { ...setting, [SECRET]: true };
}

/** A map with known keys. */
export function section<P extends TProperties>(
  description: string,
  settings: P,
  oneOf?: readonly (keyof P & string)[],
): TObject<P> {
  return ObjectOf(settings, { description, additionalProperties: false, [ONE_OF]: oneOf });
}

/** What the keys of a map with keys of the user's choice look like. */
export interface KeyForm {
  readonly pattern: string;
  /** As a noun: `a port from 1 to 65535`. */
  readonly expected: string;
  /** For the reference page, as in `upstreams.NAME.policy`. */
  readonly placeholder: string;
  readonly guess?: (key: string) => string | null;
}

/** A map with keys of the user's choice. */
export function mapOf<S extends TSchema>(
  key: KeyForm,
  value: S,
  about: { description: string },
): TUnsafe<Record<string, Static<S>>> {
  return Unsafe({
    ...about,
    type: 'object',
    patternProperties: { [key.pattern]: value },
    additionalProperties: false,
    [KEY]: key,
  });
}

/** A list; without a default it is empty where nothing is given. */
export function listOf<S extends TSchema>(
  item: S,
  about: About<readonly string[] | readonly number[]> & { max: number; min?: number },
): TArray<S> {
  const { min = 0, max, ...rest } = about;
  return ArrayOf(item, { ...rest, minItems: min, maxItems: max });
}

/** One of several forms, told apart by whether the file has a map, a list or a scalar there. */
export function either<S extends TSchema[]>(
  forms: [...S],
  about: About<unknown>,
): TUnsafe<Static<S[number]>> {
  return Unsafe({ ...about, anyOf: forms });
}

/** A setting that may be absent: null inside. */
export function optional<S extends TSchema>(setting: S, absence: Absence): TUnsafe<Static<S> | null> {
  return { ...setting, [NULLABLE]: absence } as unknown as TUnsafe<Static<S> | null>;
}

/** Whether a setting has to be given. */
export function isRequired(schema: TSchema): boolean {
  if (schema.default !== undefined || schema[NULLABLE] !== undefined) return false;
  if (schema.type !== 'object') return schema.type !== 'array';
  if (schema[KEY] !== undefined) return false;
  return schema[ONE_OF] !== undefined || Object.values((schema as TObject).properties).some(isRequired);
}

type Guess = (text: string) => string | null;

/** Reads text in a notation with bounds; what has a guess that fits gets it as a suggestion. */
function bounded(
  parse: (text: string) => number | null,
  format: (value: number) => string,
  min: number,
  max: number,
  guess: Guess,
): (node: ScalarNode) => number | Mismatch {
  const fit = (text: string) => {
    const value = parse(text);
    return value !== null && value >= min && value <= max ? value : null;
  };
  return node => {
    const value = fit(node.text);
    if (value !== null) return value;
    const guessed = parse(node.text) === null ? guess(node.text.trim()) : null;
    const suggestion = guessed === null ? null : fit(guessed);
    return new Mismatch(suggestion === null ? null : format(suggestion));
  };
}

function guessDuration(text: string): string | null {
  if (text.startsWith('.')) return guessDuration(`0${text}`);
  const parts = /^(\d+[a-z]+\s*){2,5}$/i.test(text) ? (text.match(/\d+[a-z]+/gi) ?? []) : [];
  if (parts.length > 1) {
    const lengths = parts.map(part => parseDuration(guessDuration(part) ?? ''));
    return lengths.includes(null)
      ? null
      : formatDuration(lengths.reduce<number>((sum, ms) => sum + (ms ?? 0), 0));
  }
  const match = /^(\d+(?:\.\d+)?)\s*([a-z]*)$/i.exec(text);
  if (match === null) return null;
  const [, amount, unit] = match;
  // A bare number is most often meant in the unit that other proxies assume for its magnitude.
  if (unit === '') return `${amount}${Number(amount) >= 100 ? 'ms' : 's'}`;
  if (/^(ms|msecs?|millis|milliseconds?)$/i.test(unit)) return `${amount}ms`;
  if (/^(s|secs?|seconds?)$/i.test(unit)) return `${amount}s`;
  if (/^(m|mins?|minutes?)$/i.test(unit)) return `${amount}m`;
  if (/^(h|hrs?|hours?)$/i.test(unit)) return `${amount}h`;
  return /^(d|days?)$/i.test(unit) ? `${amount}d` : null;
}

function guessByteSize(text: string): string | null {
  const match = /^(\d+(?:\.\d+)?)\s*([kmgt]?)(i?b?|bytes?)$/i.exec(text);
  if (match === null) return null;
  const prefix = match[2].toUpperCase();
  return `${match[1]}${prefix === '' ? 'B' : `${prefix}iB`}`;
}

function guessRatio(text: string): string | null {
  const amount = /^\d+(\.\d+)?$/.test(text) ? Number(text) : null;
  if (amount === null) {
    const [, percent] = /^(\d+(?:\.\d+)?)\s*(?:%|percent|pct)$/i.exec(text) ?? [];
    return percent === undefined ? null : `${percent}%`;
  }
  return amount <= 1 ? formatRatio(amount) : `${text}%`;
}
