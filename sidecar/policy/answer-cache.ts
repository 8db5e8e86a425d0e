import type { RequestHead } from '../exchange/exchange.ts';
import { detached, type Fields, isFieldName } from '../exchange/fields.ts';

/** What tells requests apart. */
type Asked = Pick<RequestHead, 'target' | 'authority' | 'fields'>;

/** An answer that is kept. */
export interface KeptAnswer {
  readonly status: number;
  readonly reason: string;
  /** With `Content-Length` where it has a body, and without `Age`. */
  readonly fields: Fields;
  /** As latin1 text: what is read into a buffer of its own keeps far more memory than it has bytes. */
  readonly body: string;
  /** Monotonic ms at which it was new here, less the age that it had by then. */
  readonly bornAt: number;
  /** How old it may get, in ms, as it says itself. */
  readonly usableFor: number;
}

interface AnswerCacheLimits {
  /** Characters of keys, fields and bodies together. */
  readonly size: number;
  /** Answers. */
  readonly entries: number;
}

interface Entry {
  readonly key: string;
  readonly resource: Resource;
  readonly answer: KeptAnswer;
  readonly size: number;
}

/** What is kept of one target: an answer for each authority and each combination of the values of some request fields. */
interface Resource {
  readonly target: string;
  /** The fields that tell its answers apart, in lower case. */
  readonly vary: readonly string[];
  readonly entries: Map<string, Entry>;
}

/** What an entry weighs beside its characters: objects, and places in two maps. */
const OVERHEAD = 512;

/**
 * The last good answers of an upstream, by URL and by the values of the request fields that they depend on (RFC 9111 sections 2 and
 * 4.1). Bounded in number and size: what was used longest ago makes room. What may be kept, and for how long, is not its business.
 * An upstream may be asked by several names, as `svc` and `svc.mesh`: each has its answers, and they are forgotten together.
 */
export class AnswerCache {
  private limits: AnswerCacheLimits;
  private readonly resources = new Map<string, Resource>();
  /** By the target, the authority and the values of the fields; what was used last is at the end. */
  private readonly entries = new Map<string, Entry>();
  private characters = 0;

  constructor(limits: AnswerCacheLimits) {
    this.limits = limits;
  }

  get count(): number {
    return this.entries.size;
  }

  /** Characters of all that is kept, with what keeping it costs. */
  get size(): number {
    return this.characters;
  }

  configure(limits: AnswerCacheLimits): void {
    this.limits = limits;
    this.makeRoom();
  }

  /**
   * Keeps the answer to a request, instead of an earlier one.
   * @param vary the request fields that the answer depends on, in lower case, each once
   */
  put(asked: Asked, vary: readonly string[], answer: KeptAnswer): void {
    const { target } = asked;
    // What told its answers apart before does so no more, so that none of them would be found.
    if (!isSame(this.resources.get(target)?.vary, vary)) this.forget(target);
    let resource = this.resources.get(target);
    if (resource === undefined) {
      resource = { target: detached(target), vary: vary.map(detached), entries: new Map() };
    }
    const key = detached(keyOf(asked, resource.vary));
    const before = this.entries.get(key);
    if (before !== undefined) this.remove(before);
    const entry = { key, resource, answer, size: sizeOf(key, answer) };
    this.resources.set(resource.target, resource);
    this.entries.set(key, entry);
    resource.entries.set(key, entry);
    this.characters += entry.size;
    this.makeRoom();
  }

  /**
   * @param maxAge ms
   * @param now monotonic ms
   */
  get(asked: Asked, maxAge: number, now: number): KeptAnswer | null {
    const resource = this.resources.get(asked.target);
    if (resource === undefined) return null;
    const entry = this.entries.get(keyOf(asked, resource.vary));
    if (entry === undefined) return null;
    const { answer } = entry;
    if (now - answer.bornAt > Math.min(maxAge, answer.usableFor)) {
      this.remove(entry);
      return null;
    }
    this.entries.delete(entry.key);
    this.entries.set(entry.key, entry);
    return answer;
  }

  /** Forgets all answers of a target, by whatever name the upstream was asked for them. */
  forget(target: string): void {
    const resource = this.resources.get(target);
    if (resource === undefined) return;
    for (const entry of [...resource.entries.values()]) this.remove(entry);
  }

  private makeRoom(): void {
    for (const entry of this.entries.values()) {
      if (this.entries.size <= this.limits.entries && this.characters <= this.limits.size) return;
      this.remove(entry);
    }
  }

  private remove({ key, resource, size }: Entry): void {
    this.entries.delete(key);
    this.characters -= size;
    resource.entries.delete(key);
    if (resource.entries.size === 0) this.resources.delete(resource.target);
  }
}

function isSame(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a !== undefined && a.length === b.length && a.every((name, i) => name === b[i]);
}

/** No name or value has a line break in it, so that no two requests share a key that differ in what it is made of. */
function keyOf({ target, authority, fields }: Asked, vary: readonly string[]): string {
  let key = `${authority.toLowerCase()} ${target}`;
  for (const field of vary) {
    key += '\n';
    for (let i = 0; i < fields.length; i += 2) {
      if (isFieldName(fields[i], field)) key += `\r${fields[i + 1]}`;
    }
  }
  return key;
}

function sizeOf(key: string, { reason, fields, body }: KeptAnswer): number {
  return fields.reduce((sum, text) => sum + text.length, OVERHEAD + key.length + reason.length + body.length);
}
