import type { TObject, TSchema } from '@sinclair/typebox';
import { isRequired, KEY, NOTATION, NULLABLE, ONE_OF } from '../../control-plane/contract/setting.ts';

/** A section of a configuration file as the reference shows it: a heading, a paragraph, a table. */
export interface Section {
  /** As in `upstreams.NAME.policy`; empty for the file itself. */
  readonly path: string;
  readonly description: string;
  /** What it means that the section is not there; null where it is simply full of defaults. */
  readonly absence: string | null;
  readonly settings: readonly Setting[];
}

interface Setting {
  readonly key: string;
  /** The form with its range: `duration, 1ms to 5m`. */
  readonly takes: string;
  /** In the file's notation, or in words; null where the setting has to be given. */
  readonly default: string | null;
  readonly description: string;
}

/**
 * The sections of a schema, in the order of the file.
 * @param leaveOut schemas that have a page of their own
 */
export function sectionsOf(schema: TObject, path = '', leaveOut: readonly TSchema[] = []): Section[] {
  const settings: Setting[] = [];
  const inner: Section[] = [];
  for (const [key, setting] of Object.entries(schema.properties)) {
    const innerPath = path === '' ? key : `${path}.${key}`;
    const below = innerSection(setting, innerPath);
    if (leaveOut.includes(setting)) {
      settings.push({ ...describeSetting(key, setting), takes: `map, see [${key}](${key}.md)` });
      continue;
    }
    const isMapAlone = setting.type === 'object' && setting[KEY] === undefined;
    if (below === null || !isMapAlone) {
      settings.push(describeSetting(key, setting));
    }
    if (below !== null) inner.push(...sectionsOf(below.section, below.path, leaveOut));
  }
  const absence = schema[NULLABLE];
  const oneOf = schema[ONE_OF]?.map(key => `\`${key}\``).join(', ');
  const choice = oneOf === undefined ? '' : ` Exactly one of ${oneOf} has to be given.`;
  const description = `${schema.description}${choice}`;
  return [{ path, description, absence: absenceOf(absence), settings }, ...inner];
}

/** What it means that a section is not given, or is turned off, a sentence. */
function absenceOf(absence: TSchema[typeof NULLABLE]): string | null {
  if (absence === undefined) return null;
  return absence.isOn ? `\`${absence.word}\`: ${absence.means}.` : `Not given: ${absence.means}.`;
}

/** The section that a setting is, or that its values or items are. */
function innerSection(schema: TSchema, path: string): { section: TObject; path: string } | null {
  if (schema.anyOf !== undefined) {
    const section = (schema.anyOf as TSchema[]).find(form => form.type === 'object');
    return section === undefined ? null : { section: section as TObject, path };
  }
  if (schema.type === 'array') return innerSection(schema.items, `${path}[]`);
  if (schema.type !== 'object') return null;
  const key = schema[KEY];
  if (key === undefined) return { section: schema as TObject, path };
  return innerSection(valueOfMap(schema), `${path}.${key.placeholder}`);
}

function describeSetting(key: string, schema: TSchema): Setting {
  return {
    key,
    takes: takesOf(schema),
    default: defaultOf(schema),
    description: descriptionsOf(schema).join(' '),
  };
}

function takesOf(schema: TSchema): string {
  const word = schema[NULLABLE]?.word ?? null;
  const also = word === null ? '' : `, or \`${word}\``;
  if (schema.anyOf !== undefined) return (schema.anyOf as TSchema[]).map(takesOf).join(', or ') + also;
  const notation = schema[NOTATION];
  if (notation !== undefined) {
    return (notation.range === null ? notation.form : `${notation.form}, ${notation.range}`) + also;
  }
  if (schema.type === 'array') return `list: ${takesOf(schema.items)}${also}`;
  const key = schema[KEY];
  if (key === undefined) return 'map, see below';
  const value = valueOfMap(schema);
  return value.type === 'object'
    ? `map by ${key.placeholder}, see below`
    : `map of ${key.placeholder} to ${takesOf(value)}`;
}

function defaultOf(schema: TSchema): string | null {
  if (schema.default === '') return 'empty';
  if (schema.default !== undefined) return `\`${JSON.stringify(schema.default).replaceAll('"', '')}\``;
  if (schema[NULLABLE] !== undefined) return schema[NULLABLE].means;
  if (isRequired(schema)) return null;
  return schema.type === 'object' && schema[KEY] === undefined ? 'all defaults' : 'empty';
}

/** Of the setting and of the forms and items it is made of; maps below have sections of their own. */
function descriptionsOf(schema: TSchema): string[] {
  const own = schema.description === undefined ? [] : [schema.description];
  if (schema.anyOf !== undefined) return [...own, ...(schema.anyOf as TSchema[]).flatMap(ofScalars)];
  if (schema.type === 'array') return [...own, ...ofScalars(schema.items)];
  return own;
}

function ofScalars(schema: TSchema): string[] {
  const isChoice = schema.enum !== undefined;
  return isChoice && schema.description !== undefined ? [schema.description] : [];
}

function valueOfMap(schema: TSchema): TSchema {
  const [value] = Object.values(schema.patternProperties as Record<string, TSchema>);
  return value;
}
