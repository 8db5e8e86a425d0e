/** Chance that can be had again: the same seed gives the same choices (mulberry32). */
export class Seeded {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** From 0 to below 1. */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number from 0 to below `below`. */
  below(below: number): number {
    return Math.floor(this.next() * below);
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** A text of up to `most` characters of the given ones. */
  text(characters: string, most: number): string {
    return Array.from({ length: this.below(most + 1) }, () => characters[this.below(characters.length)]).join(
      '',
    );
  }

  bytes(count: number): Buffer {
    const bytes = Buffer.alloc(count);
    for (let i = 0; i < count; i++) bytes[i] = this.below(256);
    return bytes;
  }
}

/** A seed from the environment or the clock; whoever uses it prints it when something fails. */
export function chooseSeed(variable: string): number {
  return Number(process.env[variable] ?? Date.now() % 1_000_000);
}
