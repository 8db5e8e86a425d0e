import type { Static, TObject, TSchema } from '@sinclair/typebox';
import { KEY, Mismatch, NOTATION, NULLABLE, SECRET } from './setting.ts';
import { wholeOf } from './source-tree.ts';

/** A value as a configuration file says it, ready for JSON: the inverse of `read.ts`, save that secrets are hidden. */
export function print<S extends TSchema>(schema: S, value: Static<S>): unknown {
  return printSetting(schema, value);
}

/** What stands for a secret. */
export const HIDDEN = '(hidden)';

function printSetting(schema: TSchema, value: unknown): unknown {
  if (value === null) return schema[NULLABLE]?.word ?? null;
  if (schema[SECRET]) return value === '' ? '' : HIDDEN;
  if (schema.anyOf !== undefined) return printEither(schema, value);
  if (Array.isArray(value)) return value.map(item => printSetting(schema.items, item));
  if (schema.type !== 'object') return schema[NOTATION]?.print(value) ?? null;
  const printed: Record<string, unknown> = {};
  const values = value as Record<string, unknown>;
  if (schema[KEY] === undefined) {
    for (const [key, setting] of Object.entries((schema as TObject).properties)) {
      printed[key] = printSetting(setting, values[key]);
    }
  } else {
    const [setting] = Object.values(schema.patternProperties as Record<string, TSchema>);
    for (const key of Object.keys(values)) printed[key] = printSetting(setting, values[key]);
  }
  return printed;
}

/** In the first form that reads as the same value again. */
function printEither(schema: TSchema, value: unknown): unknown {
  for (const form of schema.anyOf as TSchema[]) {
    const notation = form[NOTATION];
    if (notation === undefined) {
      if ((form.type === 'array') === Array.isArray(value) && typeof value === 'object')
        return printSetting(form, value);
      continue;
    }
    if (typeof value === 'object') continue;
    const printed = notation.print(value);
    const at = wholeOf('');
    const again = notation.read({
      kind: 'scalar',
      value: printed,
      text: String(printed),
      untyped: false,
      at,
    });
    if (!(again instanceof Mismatch) && again === value) return printed;
  }
  return null;
}
