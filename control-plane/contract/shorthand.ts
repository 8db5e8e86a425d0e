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
  if (schema.anyOf !== undefined) {
    const guesses = (schema.anyOf as TSchema[]).map(form => guessLongForm(form, node));
    return guesses.find(guess => guess !== null) ?? null;
  }
  if (schema.type === 'array') {
    const item = takes(schema.items, node) ? inFlow(node.text) : guessLongForm(schema.items, node);
    return item === null ? null : `[${item}]`;
  }
  if (schema.type !== 'object' || schema[KEY] !== undefined) return null;
  const properties = Object.entries((schema as TObject).properties);
  const required = properties.filter(([, setting]) => isRequired(setting)).length;
  if (isOn(node)) return required > 0 ? null : '{}';
  if (required > 1) return null;
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
  // A name may be anything: whoever writes that there is none does not mean one.
  if (schema.pattern !== undefined && schema.enum === undefined && meansNone(node)) return false;
  const notation = schema[NOTATION];
  return notation !== undefined && !(notation.read(node) instanceof Mismatch);
}

function isOn({ text }: ScalarNode): boolean {
  return /^(true|yes|on)$/i.test(text);
}

/** How other programs say that there is none, or no limit. */
export function meansNone({ text }: ScalarNode): boolean {
  return /^(0|-1|false|no|none|never|null|off|disabled?|infinit[ey]|inf|unlimited)$/i.test(text);
}

/** A scalar as it may stand inside of braces. */
function inFlow(text: string): string {
  return /^[\w./-]+(:[\w./-]+)*%?$/.test(text) ? text : JSON.stringify(text);
}
