/** Character classes of RFC 9110 section 5.6 as look-up tables: 1 for a byte of the class, 0 for any other. */

export const CR = 0x0d;
export const LF = 0x0a;
export const SP = 0x20;
export const HTAB = 0x09;
export const COLON = 0x3a;

/** `tchar`, what names and methods are made of (RFC 9110 section 5.6.2). */
export const TOKEN = table("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

/** What a field value may hold: VCHAR, obs-text, SP and HTAB (RFC 9110 section 5.5). */
export const FIELD_VALUE = range(0x20, 0xff, [0x7f]);
FIELD_VALUE[HTAB] = 1;

/** What a request target may hold: printable ASCII without space and `#` (RFC 9112 section 3.2, RFC 3986). */
export const TARGET = range(0x21, 0x7e, [0x23]);

/** The value of a hexadecimal digit, 255 for any other byte. */
export const HEX = new Uint8Array(256).fill(255);
for (let i = 0; i < 16; i++) {
  HEX['0123456789abcdef'.charCodeAt(i)] = i;
  HEX['0123456789ABCDEF'.charCodeAt(i)] = i;
}

/** Whether the text is a `token` (RFC 9110 section 5.6.2). */
export function isToken(text: string): boolean {
  if (text.length === 0) return false;
  for (let i = 0; i < text.length; i++) {
    if (TOKEN[text.charCodeAt(i)] !== 1) return false;
  }
  return true;
}

function table(characters: string): Uint8Array {
  const bytes = new Uint8Array(256);
  for (let i = 0; i < characters.length; i++) bytes[characters.charCodeAt(i)] = 1;
  return bytes;
}

function range(from: number, to: number, without: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(256).fill(1, from, to + 1);
  for (const byte of without) bytes[byte] = 0;
  return bytes;
}

/** The items of a comma-separated list without optional white space, in lower case (RFC 9110 section 5.6.1). Empty items count. */
export function listItems(list: string): string[] {
  // Not `trim()`: it also removes what is white space in Unicode but a plain byte in a field value.
  return list.toLowerCase().split(',').map(withoutSpace);
}

/** By index, not by a regular expression: that takes the square of the length for a long run of spaces within. */
function withoutSpace(item: string): string {
  let start = 0;
  let end = item.length;
  while (start < end && isSpace(item.charCodeAt(start))) start++;
  while (end > start && isSpace(item.charCodeAt(end - 1))) end--;
  return item.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === SP || code === HTAB;
}
