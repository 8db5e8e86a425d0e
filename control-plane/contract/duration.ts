/**
 * Durations as configuration writes them: a number and a unit (`250ms`, `5s`, `1.5s`, `2m`, `1h`, `7d`). Inside the
 * program they are whole milliseconds.
 */
const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
]);

/** What the runtime's timers can wait for at most: 24.8 days. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** The notation as a regular expression, for JSON Schema. */
export const DURATION_PATTERN = '^[0-9]{1,12}(\\.[0-9]{1,3})?(ms|s|m|h|d)$';

const DURATION = new RegExp(DURATION_PATTERN);

/** @returns milliseconds, or null where `text` is no duration or not a whole number of milliseconds */
export function parseDuration(text: string): number | null {
  if (!DURATION.test(text)) return null;
  const unit = text.slice(text.search(/[a-z]/));
  const ms = scaleDecimal(text.slice(0, -unit.length), UNITS.get(unit) ?? 0);
  return ms !== null && Number.isSafeInteger(ms) ? ms : null;
}

/** @param ms whole milliseconds, at least 0 */
export function formatDuration(ms: number): string {
  let best = `${ms}ms`;
  if (ms === 0) return '0s';
  for (const [unit, size] of UNITS) if (ms % size === 0) best = `${ms / size}${unit}`;
  return best;
}

/** `decimal` times `factor` in whole units, exactly; null where a fraction is left. */
export function scaleDecimal(decimal: string, factor: number): number | null {
  const [whole, fraction = ''] = decimal.split('.');
  const scale = 10 ** fraction.length;
  const scaled = BigInt(whole + fraction) * BigInt(factor);
  if (scaled % BigInt(scale) !== 0n) return null;
  return Number(scaled / BigInt(scale));
}
