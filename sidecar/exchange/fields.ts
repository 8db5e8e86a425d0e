/**
 * Header fields as the data path keeps them: one flat list `[name, value, name, value, …]` in the order and
 * case in which they arrived (RFC 9110 section 5). A flat list costs one allocation for the whole message and
 * is written out again without a look-up; the few names that the sidecar cares about are noted while parsing.
 */
export type Fields = string[];

/** An empty list to share. Never write to it. */
export const NO_FIELDS: Fields = Object.freeze([] as string[]) as Fields;

/**
 * The value of the first field called `name`, or `undefined`.
 * @param name in lower case; field names compare without case (RFC 9110 section 5.1)
 */
export function getField(fields: Fields, name: string): string | undefined {
  for (let i = 0; i < fields.length; i += 2) {
    if (isFieldName(fields[i], name)) return fields[i + 1];
  }
  return undefined;
}

/** Sets the first field called `name` (lower case) to `value`, keeping its place and case, or appends it as `spelling`. */
export function setField(fields: Fields, name: string, spelling: string, value: string): void {
  for (let i = 0; i < fields.length; i += 2) {
    if (isFieldName(fields[i], name)) {
      fields[i + 1] = value;
      return;
    }
  }
  fields.push(spelling, value);
}

/** Removes every field called `name` (lower case). */
export function removeFields(fields: Fields, name: string): void {
  for (let i = fields.length - 2; i >= 0; i -= 2) {
    if (isFieldName(fields[i], name)) fields.splice(i, 2);
  }
}

/** Whether a field's name as received equals `lower`, without case. The length settles almost every comparison. */
export function isFieldName(received: string, lower: string): boolean {
  return received.length === lower.length && (received === lower || received.toLowerCase() === lower);
}

/** The same text on its own: a piece of a string keeps all of that alive, as a value does the head that it came in. @param text latin1 */
export function detached(text: string): string {
  return Buffer.from(text, 'latin1').toString('latin1');
}

/** The same fields on their own. */
export function detachedFields(fields: Fields): Fields {
  // No name or value has a line break in it.
  return fields.length === 0 ? [] : detached(fields.join('\n')).split('\n');
}
