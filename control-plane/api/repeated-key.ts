import type { KeyPath } from '../contract/problem.ts';

/** An object or a list that is open at a place of the text. */
interface Open {
  /** The keys of an object until now; null for a list. */
  readonly keys: Set<string> | null;
  isKeyNext: boolean;
  /** The key, or the number, of what is being read. */
  step: string | number;
}

/**
 * The first key that an object of a JSON text has twice: RFC 8259 leaves open what is meant by that, and `JSON.parse` takes
 * the last one without a word.
 * @param text JSON that is whole
 * @returns where it is; null where no key is there twice
 */
export function findRepeatedKey(text: string): KeyPath | null {
  const open: Open[] = [];
  for (let at = 0; at < text.length; at++) {
    const inner = open.at(-1);
    switch (text[at]) {
      case '{':
        open.push({ keys: new Set(), isKeyNext: true, step: '' });
        break;
      case '[':
        open.push({ keys: null, isKeyNext: false, step: 0 });
        break;
      case '}':
      case ']':
        open.pop();
        break;
      case ',':
        if (inner === undefined) break;
        if (typeof inner.step === 'number') inner.step++;
        else inner.isKeyNext = true;
        break;
      case '"': {
        const end = endOfString(text, at);
        if (inner?.keys && inner.isKeyNext) {
          const key: string = JSON.parse(text.slice(at, end));
          inner.step = key;
          inner.isKeyNext = false;
          if (inner.keys.has(key)) return open.map(({ step }) => step);
          inner.keys.add(key);
        }
        at = end - 1;
      }
    }
  }
  return null;
}

/** Behind the quote that ends the string which begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1;
  while (text[at] !== '"') at += text[at] === '\\' ? 2 : 1;
  return at + 1;
}
