/** How options of the bench and of `npm run faults` are read. All throw with a sentence for the user. */

/** @returns those of `known` that a list names, in the order of `known`; null where nothing is given. Throws for one that is not known. */
export function names(
  option: string,
  text: string | undefined,
  known: readonly string[],
): readonly string[] | null {
  if (text === undefined) return null;
  const given = words(text.replaceAll(',', ' '));
  const unknown = given.find(name => !known.includes(name));
  if (unknown !== undefined) throw new Error(`${option}: ${unknown} is none of ${known.join(', ')}`);
  return known.filter(name => given.includes(name));
}

/** A number above 0, null where none is given. Throws for anything else. */
export function number(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${option}: ${text} is not a number above 0`);
  return value;
}

export function words(text: string): string[] {
  return text.split(/\s+/).filter(word => word !== '');
}
