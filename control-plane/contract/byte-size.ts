import { scaleDecimal } from './duration.ts';

/** Sizes as configuration writes them: a number and a binary unit (`512B`, `64KiB`, `1.5MiB`). Inside the program they are bytes. */
const UNITS: ReadonlyMap<string, number> = new Map([
  ['B', 1],
  ['KiB', 1024],
  ['MiB', 1024 ** 2],
  ['GiB', 1024 ** 3],
  ['TiB', 1024 ** 4],
]);

/** The notation as a regular expression, for JSON Schema. */
export const BYTE_SIZE_PATTERN = '^[0-9]{1,12}(\\.[0-9]{1,3})?(B|KiB|MiB|GiB|TiB)$';

const BYTE_SIZE = new RegExp(BYTE_SIZE_PATTERN);

/** @returns bytes, or null where `text` is no size or not a whole number of bytes */
export function parseByteSize(text: string): number | null {
  if (!BYTE_SIZE.test(text)) return null;
  const unit = text.slice(text.search(/[A-Z]/));
  const bytes = scaleDecimal(text.slice(0, -unit.length), UNITS.get(unit) ?? 0);
  return bytes !== null && Number.isSafeInteger(bytes) ? bytes : null;
}

/** @param bytes a whole number, at least 0 */
export function formatByteSize(bytes: number): string {
  let best = `${bytes}B`;
  if (bytes === 0) return best;
  for (const [unit, size] of UNITS) if (bytes % size === 0) best = `${bytes / size}${unit}`;
  return best;
}
