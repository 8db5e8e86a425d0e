import type { TObject, TSchema } from '@sinclair/typebox';
import { isRequired, KEY, Mismatch, NOTATION, NULLABLE, ONE_OF, SECRET } from './setting.ts';
import type { ScalarNode } from './source-tree.ts';

/**
 * What was meant by a single value where a section or a list belongs (`accessLog: off`, `endpoints: 127.0.0.1:9001`), in the
 * file's notation: the section with the setting that takes the value, or the list with it as its one item. Null where several
 * settings would do, or none.
 */
export function guessLongForm(schema: TSchema, node: ScalarNode): string | null {
  if (node.value === null) return null;
  if (schema.type === 'array') return takes(schema.items, node) ? `[${inFlow(node.text)}]` : null;
  if (schema.type !== 'object' || schema[KEY] !== undefined) return null;
  const properties = Object.entries((schema as TObject).properties);
  if (isOn(node)) return properties.some(([, setting]) => isRequired(setting)) ? null : '{}';
  const settings = properties.flatMap(([key, setting]) => {
    const value = setting.type === 'array' ? guessLongForm(setting, node) : inFlow(node.text);
    const fits = value !== null && (setting.type === 'array' || takes(setting, node));
    return fits ? [{ setting, text: `{ ${key}: ${value} }` }] : [];
  });
  const needed = settings.find(({ setting }) => isRequired(setting));
  if (needed !== undefined) return needed.text;
  return settings.length === 1 || schema[ONE_OF] !== undefined ? (settings.at(0)?.text ?? null) : null;
}

function takes(schema: TSchema, node: ScalarNode): boolean {
  if (schema[SECRET]) return false;
  if (schema[NULLABLE]?.word === node.text) return true;
  if (schema.anyOf !== undefined) return (schema.anyOf as TSchema[]).some(form => takes(form, node));
  const notation = schema[NOTATION];
  return notation !== undefined && !(notation.read(node) instanceof Mismatch);
}

function isOn({ text }: ScalarNode): boolean {
  return /^(true|yes|on)$/i.test(text);
}

/** A scalar as it may stand inside of braces. */
function inFlow(text: string): string {
  return /^[\w./-]+(:[\w./-]+)*%?$/.test(text) ? text : JSON.stringify(text);
}
