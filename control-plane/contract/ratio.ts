/** Ratios as configuration writes them: percentages (`20%`, `0.5%`). Inside the program they are numbers from 0 to 1. */
export const RATIO_PATTERN = '^[0-9]{1,3}(\\.[0-9]{1,4})?%$';

const RATIO = new RegExp(RATIO_PATTERN);

/** @returns a number from 0 to 1, or null where `text` is no percentage from 0% to 100% */
export function parseRatio(text: string): number | null {
  if (!RATIO.test(text)) return null;
  // A decimal shift, not a division, so that 7% is 0.07 to the last bit.
  const ratio = Number(`${text.slice(0, -1)}e-2`);
  return ratio <= 1 ? ratio : null;
}

/** @param ratio a number from 0 to 1 */
export function formatRatio(ratio: number): string {
  return `${Number((ratio * 100).toFixed(4))}%`;
}
