import type { JsonSchema } from './json-schema.ts';

/**
 * What a value looks like that comes over the wire: one declaration that reads it, gives it its type, and describes it in
 * the OpenAPI document. For messages and answers; what people write is read by `read.ts`, which explains more.
 *
 * Members that are not known are passed over, for a later version may say more.
 */
export interface Shape<T> {
  readonly schema: JsonSchema;
  /** @param name what the value is called in a complaint @throws Misshapen */
  read(value: unknown, name: string): T;
  /** It may be missing from a {@link record}, and has a value then all the same. */
  readonly isOptional?: true;
}

/** The type of what a shape reads. */
export type Shaped<S> = S extends Shape<infer T> ? T : never;

/** A value is not what it should be: its name, and what was expected. */
export class Misshapen extends Error {}

/** A {@link tagged} value is of a kind that this version does not know. */
export class UnknownKind extends Misshapen {}

interface About {
  readonly description?: string;
}

/** Reads a line, or a body. @throws Misshapen */
export function readJson<T>(shape: Shape<T>, text: string, name: string): T {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Misshapen(`${name} is not JSON`);
  }
  return shape.read(value, name);
}

export function text(about: TextAbout = {}): Shape<string> {
  const { expected = 'text', ...schema } = about;
  const { minLength = 0, maxLength = Number.POSITIVE_INFINITY, pattern } = schema;
  const form = pattern === undefined ? null : new RegExp(pattern, 'u');
  return {
    schema: { type: 'string', ...schema },
    read(value, name) {
      const isFine =
        typeof value === 'string' &&
        value.length >= minLength &&
        value.length <= maxLength &&
        (form === null || form.test(value));
      if (isFine) return value;
      throw new Misshapen(`${name} is not ${expected}`);
    },
  };
}

interface TextAbout extends About {
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: string;
  /** As a noun, for complaints. */
  readonly expected?: string;
}

/** A whole number. */
export function whole(
  about: About & { readonly minimum?: number; readonly maximum?: number } = {},
): Shape<number> {
  const { minimum = 0, maximum = Number.MAX_SAFE_INTEGER } = about;
  const range = about.maximum === undefined ? `of ${minimum} or more` : `from ${minimum} to ${maximum}`;
  return {
    schema: { type: 'integer', minimum, ...about },
    read(value, name) {
      if (Number.isSafeInteger(value) && (value as number) >= minimum && (value as number) <= maximum)
        return value as number;
      throw new Misshapen(`${name} is not a whole number ${range}`);
    },
  };
}

export function toggle(about: About = {}): Shape<boolean> {
  return {
    schema: { type: 'boolean', ...about },
    read(value, name) {
      if (typeof value === 'boolean') return value;
      throw new Misshapen(`${name} is neither true nor false`);
    },
  };
}

/** One of a list of words. @param otherwise what is read of a word that a later version may have added */
export function word<const W extends string>(
  words: readonly W[],
  about: About & { readonly otherwise?: W } = {},
): Shape<W> {
  const { otherwise, ...rest } = about;
  return {
    schema: { enum: words, ...rest },
    read(value, name) {
      const known = words.find(one => one === value) ?? (typeof value === 'string' ? otherwise : undefined);
      if (known !== undefined) return known;
      throw new Misshapen(`${name} is none of ${words.join(', ')}`);
    },
  };
}

export function listOf<T>(
  item: Shape<T>,
  about: About & { readonly maxItems?: number } = {},
): Shape<readonly T[]> {
  const { maxItems = Number.POSITIVE_INFINITY } = about;
  return {
    schema: { type: 'array', items: item.schema, ...about },
    read(value, name) {
      if (!Array.isArray(value)) throw new Misshapen(`${name} is not a list`);
      if (value.length > maxItems) throw new Misshapen(`${name} has more than ${maxItems} items`);
      return value.map(one => item.read(one, name));
    },
  };
}

/** Members whose names are anybody's. */
export function mapOf<T>(member: Shape<T>, about: About = {}): Shape<{ readonly [name: string]: T }> {
  return {
    schema: { type: 'object', additionalProperties: member.schema, ...about },
    read(value, name) {
      const entries = Object.entries(asObject(value, name));
      return Object.fromEntries(entries.map(([key, one]) => [key, member.read(one, key)]));
    },
  };
}

/** Deeper than any document is, and not as deep as a stack. */
const MAX_DEPTH = 200;

/** An object that is not looked into, save that whoever does will come to its ground. */
export function document(about: About = {}): Shape<{ readonly [name: string]: unknown }> {
  return {
    schema: { type: 'object', ...about },
    read(value, name) {
      if (isDeeper(value, MAX_DEPTH)) throw new Misshapen(`${name} is nested too deeply`);
      return asObject(value, name);
    },
  };
}

function isDeeper(value: unknown, depth: number): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return depth === 0 || Object.values(value).some(inner => isDeeper(inner, depth - 1));
}

/** Null, or no body at all. */
export const nothing: Shape<null> = {
  schema: { type: 'null' },
  read(value, name) {
    if (value === null) return null;
    throw new Misshapen(`${name} is not empty`);
  },
};

export function orNull<T>(shape: Shape<T>, about: About = {}): Shape<T | null> {
  return {
    schema: { anyOf: [shape.schema, { type: 'null' }], ...about },
    read: (value, name) => (value === null ? null : shape.read(value, name)),
  };
}

/** @param otherwise what is read where it is missing */
export function optional<T>(shape: Shape<T>, otherwise: T): Shape<T> {
  return {
    schema: shape.schema,
    isOptional: true,
    read: (value, name) => (value === undefined ? otherwise : shape.read(value, name)),
  };
}

type Members = Readonly<Record<string, Shape<unknown>>>;
type Read<M extends Members> = { readonly [K in keyof M]: Shaped<M[K]> };

/** An object with these members. */
export function record<M extends Members>(members: M, about: About = {}): Shape<Read<M>> {
  const entries = Object.entries(members);
  return {
    schema: {
      ...about,
      type: 'object',
      properties: Object.fromEntries(entries.map(([key, { schema }]) => [key, schema])),
      required: entries.flatMap(([key, { isOptional }]) => (isOptional ? [] : [key])),
      additionalProperties: false,
    },
    read(value, name) {
      const given = asObject(value, name);
      const read: Record<string, unknown> = {};
      for (const [key, shape] of entries) read[key] = shape.read(given[key], key);
      return read as Read<M>;
    },
  };
}

/** Objects of several kinds, told apart by their `type`. */
export function tagged<K extends Readonly<Record<string, Members>>>(
  kinds: K,
): Shape<{ [T in keyof K]: { readonly type: T } & Read<K[T]> }[keyof K]> {
  const shapes = new Map(Object.entries(kinds).map(([type, members]) => [type, kindOf(type, members)]));
  return {
    schema: { oneOf: [...shapes.values()].map(({ schema }) => schema) },
    read(value, name) {
      const { type } = asObject(value, name);
      const shape = shapes.get(type as string);
      if (shape !== undefined) return shape.read(value, name) as never;
      if (typeof type !== 'string') throw new Misshapen(`${name} has no type`);
      throw new UnknownKind(`${name} is of an unknown type: ${JSON.stringify(type.slice(0, 40))}`);
    },
  };
}

function kindOf(type: string, members: Members): Shape<unknown> {
  const tag: Shape<string> = { schema: { const: type }, read: () => type };
  return record({ type: tag, ...members });
}

/** A shape with a name of its own in the OpenAPI document. */
export interface NamedShape<T> extends Shape<T> {
  readonly name: string;
  readonly definition: JsonSchema;
}

export function named<T>(name: string, shape: Shape<T>): NamedShape<T> {
  const schema = { $ref: `#/components/schemas/${name}` };
  return { name, schema, definition: shape.schema, read: (value, at) => shape.read(value, at) };
}

function asObject(value: unknown, name: string): { readonly [key: string]: unknown } {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as { readonly [key: string]: unknown };
  }
  throw new Misshapen(`${name} is not an object`);
}
