import type { TObject, TSchema } from '@sinclair/typebox';
import { isRequired, KEY, NOTATION, NULLABLE, ONE_OF } from './setting.ts';

/** A JSON Schema, as plain data. */
export type JsonSchema = { readonly [keyword: string]: unknown };

/** What editors check a configuration file against while it is written (draft 7, which all of them know). */
export function toJsonSchema(schema: TObject, title: string): JsonSchema {
  const { properties, ...root } = convert(schema, FILE);
  return {
    $schema: 'http://json-schema.org/draft-07/schema#',
    title,
    ...root,
    type: 'object',
    properties,
    // A place for anchors, as in compose files.
    patternProperties: { '^x-': {} },
    definitions: {
      reference: {
        description: 'Filled in from the environment.',
        type: 'string',
        pattern: '\\$\\{[A-Za-z_][A-Za-z0-9_]*(:-[^}]*)?\\}',
      },
    },
  };
}

/** What clients of an API check a body against before they send it (draft 2020-12, as OpenAPI 3.1 has it). */
export function toApiSchema(schema: TSchema): JsonSchema {
  return convert(schema, API);
}

/** What may stand for a scalar besides its own notation. */
interface Style {
  /** For any. */
  readonly anywhere: readonly JsonSchema[];
  /** For one that need not be given. */
  readonly dispensable: readonly JsonSchema[];
}

const FILE: Style = { anywhere: [{ $ref: '#/definitions/reference' }], dispensable: [] };
const API: Style = { anywhere: [], dispensable: [{ type: 'null' }] };

function convert(schema: TSchema, style: Style): JsonSchema {
  const about = { description: describe(schema), ...pick(schema, ['default']) };
  if (schema[NOTATION] !== undefined) return convertScalar(schema, about, style);
  if (schema.anyOf !== undefined) {
    const forms = (schema.anyOf as TSchema[]).flatMap(form => {
      const converted = convert(form, style);
      return Array.isArray(converted.anyOf) ? converted.anyOf : [converted];
    });
    const nothing = isRequired(schema) ? [] : style.dispensable;
    return { ...about, anyOf: unique([...forms, ...nothing]) };
  }
  if (schema.type === 'array') {
    const bounds = pick(schema, ['minItems', 'maxItems']);
    return { ...about, type: ['array', 'null'], items: convert(schema.items, style), ...bounds };
  }
  if (schema[KEY] !== undefined) {
    const [[pattern, setting]] = Object.entries(schema.patternProperties as Record<string, TSchema>);
    const patternProperties = { [pattern]: convert(setting, style) };
    return { ...about, type: ['object', 'null'], patternProperties, additionalProperties: false };
  }
  return convertSection(schema as TObject, about, style);
}

function convertScalar(schema: TSchema, about: JsonSchema, style: Style): JsonSchema {
  const value = pick(schema, ['type', 'pattern', 'enum', 'minimum', 'maximum']);
  const word = schema[NULLABLE]?.word ?? null;
  const words = word === null ? [] : [{ const: word }];
  const nothing = isRequired(schema) ? [] : style.dispensable;
  const others = [...words, ...nothing, ...style.anywhere];
  return others.length === 0 ? { ...about, ...value } : { ...about, anyOf: [value, ...others] };
}

function convertSection(schema: TObject, about: JsonSchema, style: Style): JsonSchema {
  const settings = Object.entries(schema.properties);
  const properties = Object.fromEntries(settings.map(([key, setting]) => [key, convert(setting, style)]));
  const required = settings.filter(([, setting]) => isRequired(setting)).map(([key]) => key);
  const oneOf = schema[ONE_OF]?.map(key => ({ required: [key] }));
  // Nothing but a key and a colon is a section with all defaults.
  const isEmptyFine = required.length === 0 && oneOf === undefined;
  const map = {
    type: isEmptyFine || schema[NULLABLE] !== undefined ? ['object', 'null'] : 'object',
    properties,
    additionalProperties: false,
    ...(required.length === 0 ? {} : { required }),
    ...(oneOf === undefined ? {} : { oneOf }),
  };
  const word = schema[NULLABLE]?.word ?? null;
  return word === null ? { ...about, ...map } : { ...about, anyOf: [map, { const: word }] };
}

/** The description with what editors would not show otherwise. */
function describe(schema: TSchema): string {
  const range = schema[NOTATION]?.range ?? null;
  const absence = schema[NULLABLE];
  const notes = [
    range === null ? null : `Range: ${range}.`,
    schema.default === undefined ? null : `Default: ${JSON.stringify(schema.default).replaceAll('"', '')}.`,
    absence === undefined ? null : `${absence.word ?? 'Absent'}: ${absence.means}.`,
  ];
  return [schema.description, ...notes].filter(note => note !== null).join(' ');
}

function pick(schema: TSchema, keywords: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    keywords.filter(keyword => schema[keyword] !== undefined).map(keyword => [keyword, schema[keyword]]),
  );
}

function unique(forms: readonly JsonSchema[]): JsonSchema[] {
  const seen = new Map(forms.map(form => [JSON.stringify(form), form]));
  return [...seen.values()];
}
