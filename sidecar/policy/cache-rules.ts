import type { Exchange } from '../exchange/exchange.ts';
import { type Fields, getField } from '../exchange/fields.ts';
import { FALLBACK_FIELD } from '../exchange/own-head.ts';
import type { ResponseHead } from '../exchange/service.ts';

interface CacheSettings {
  /** Request fields that answers depend on, whatever they say themselves. */
  readonly vary: readonly string[];
  /** Fields that do not matter. */
  readonly ignore: readonly ('authorization' | 'cookie' | 'set-cookie' | 'cache-control')[];
}

/** Request fields that an answer may depend on: with very many, telling answers apart costs more than it is worth. */
const MOST_VARY = 64;

/** What is to be known of an answer that may be kept. */
export interface Keepable {
  /** The request fields that it depends on, in lower case and in order, each once. */
  readonly vary: readonly string[];
  /** Without those that are not kept. */
  readonly fields: Fields;
  /** How old it is already, in ms. */
  readonly age: number;
  /** How old it may get, in ms. */
  readonly usableFor: number;
}

/** Answers of these may be kept without them saying so (RFC 9110 section 15.1); of the 200s, and not in part. */
const KEPT_STATUSES: ReadonlySet<number> = new Set([200, 203, 204]);

/**
 * What a shared cache that is asked only when all else has failed may keep and give out: RFC 9111 sections 3 and 4.2.4, and
 * `stale-if-error` of RFC 5861 section 4 as a further bound. An answer that says nothing may be kept: it is the policy that says so.
 * Stricter than RFC 9111 with cookies, which most applications do not name in `Vary`.
 */
export class CacheRules {
  /** In lower case, in order. */
  private readonly vary: readonly string[];
  /** Request fields with which an answer is somebody's own. */
  private readonly credentials: readonly string[];
  private readonly takesCookies: boolean;
  private readonly obeys: boolean;

  constructor({ vary, ignore }: CacheSettings) {
    this.vary = inOrder(vary.map(name => name.toLowerCase()));
    this.credentials = (['authorization', 'cookie'] as const).filter(
      name => !ignore.includes(name) && !this.vary.includes(name),
    );
    this.takesCookies = ignore.includes('set-cookie');
    this.obeys = !ignore.includes('cache-control');
  }

  /** Whether an answer to this request may be kept, or have been kept from an earlier one. */
  covers({ head: { method, fields, upgrade }, body }: Exchange): boolean {
    if (method !== 'GET' && method !== 'HEAD') return false;
    if (body !== null || upgrade !== null) return false;
    return this.credentials.every(name => getField(fields, name) === undefined);
  }

  /** @param requestFields of a request that is covered @returns null where the answer may not be kept */
  judge(head: ResponseHead, requestFields: Fields): Keepable | null {
    if (!KEPT_STATUSES.has(head.status) || head.tunnel || head.endsWithConnection) return null;
    if (this.obeys && directivesOf(getField(requestFields, 'cache-control') ?? '').has('no-store'))
      return null;
    const fields: Fields = [];
    let vary = this.vary;
    let age = 0;
    let control = '';
    for (let i = 0; i < head.fields.length; i += 2) {
      const value = head.fields[i + 1];
      switch (head.fields[i].toLowerCase()) {
        case 'set-cookie':
          if (!this.takesCookies) return null;
          continue;
        case 'age':
          age = Math.max(age, secondsOf(value));
          continue;
        case FALLBACK_FIELD:
          // It stands in for another one, and is as old as it says or older.
          return null;
        case 'vary': {
          const names = itemsOf(value);
          if (names.includes('*')) return null;
          vary = inOrder([...vary, ...names]);
          break;
        }
        case 'cache-control':
          control += `,${value}`;
      }
      fields.push(head.fields[i], value);
    }
    if (vary.length > MOST_VARY) return null;
    const usableFor = this.obeys ? usableForOf(directivesOf(control)) : Number.POSITIVE_INFINITY;
    return usableFor <= age ? null : { vary, fields, age, usableFor };
  }
}

/** @returns ms; 0 where it may not be kept */
function usableForOf(directives: ReadonlyMap<string, string>): number {
  if (directives.has('no-store') || directives.has('private') || directives.has('no-cache')) return 0;
  const seconds = (name: string) => {
    const value = directives.get(name);
    return value === undefined ? null : secondsOf(value);
  };
  const fresh = seconds('s-maxage') ?? seconds('max-age') ?? 0;
  const staleIfError = seconds('stale-if-error');
  let bound = Number.POSITIVE_INFINITY;
  if (staleIfError !== null) bound = fresh + staleIfError;
  // A lifetime for shared caches is one that they must not stretch, save where the answer says how far.
  else if (directives.has('s-maxage')) bound = fresh;
  if (directives.has('must-revalidate') || directives.has('proxy-revalidate')) bound = Math.min(bound, fresh);
  return bound;
}

/** The directives of `Cache-Control` (RFC 9111 section 5.2), in lower case, with their arguments; of several the first counts. */
function directivesOf(control: string): ReadonlyMap<string, string> {
  const directives = new Map<string, string>();
  for (const item of itemsOf(control)) {
    const equals = item.indexOf('=');
    const name = equals < 0 ? item : item.slice(0, equals).trim();
    const value = equals < 0 ? '' : item.slice(equals + 1).replaceAll('"', '');
    if (!directives.has(name)) directives.set(name, value);
  }
  return directives;
}

function itemsOf(list: string): string[] {
  return list
    .toLowerCase()
    .split(',')
    .map(item => item.trim())
    .filter(item => item !== '');
}

/**
 * A number of seconds in ms; what can't be understood is none, as the most careful reading has it (RFC 9111 section 4.2.1), and what is
 * more than can be counted is as much as can be (section 1.2.2).
 */
function secondsOf(text: string): number {
  return /^\d+$/.test(text.trim()) ? Math.min(Number(text), 2 ** 31) * 1000 : 0;
}

function inOrder(names: readonly string[]): readonly string[] {
  return names.length < 2 ? names : [...new Set(names)].sort();
}
