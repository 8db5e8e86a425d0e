import { createHash } from 'node:crypto';

/**
 * A digest of everything that a store has, kept up with every change at a cost that does not grow with the store: the
 * entries' own digests, joined by XOR. It tells whether anything was damaged, lost or brought back; it is no defence against
 * somebody who means to deceive.
 */
export class StateDigest {
  private readonly entries: Map<string, bigint>;
  private joined: bigint;

  constructor(entries: ReadonlyMap<string, bigint> = new Map()) {
    this.entries = new Map(entries);
    this.joined = [...entries.values()].reduce((all, one) => all ^ one, 0n);
  }

  get count(): number {
    return this.entries.size;
  }

  /** @param text null: there is no such entry any more */
  set(key: string, text: string | null): void {
    this.joined ^= this.entries.get(key) ?? 0n;
    this.entries.delete(key);
    if (text === null) return;
    const digest = digestOf(key, text);
    this.entries.set(key, digest);
    this.joined ^= digest;
  }

  /** What it would be after these changes, each of another key. */
  after(changes: readonly (readonly [key: string, text: string | null])[]): {
    count: number;
    digest: string;
  } {
    let { joined, count } = this;
    for (const [key, text] of changes) {
      const before = this.entries.get(key);
      joined ^= before ?? 0n;
      if (text !== null) joined ^= digestOf(key, text);
      count += (text === null ? 0 : 1) - (before === undefined ? 0 : 1);
    }
    return { count, digest: joined.toString(16) };
  }
}

function digestOf(key: string, text: string): bigint {
  return createHash('sha256').update(`${key}\n${text}`).digest().readBigUInt64BE();
}

/** A short check of one text, for what says of itself whether it is whole. */
export function checkOf(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
