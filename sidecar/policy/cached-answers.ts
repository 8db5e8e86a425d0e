import type { Policy } from '../../control-plane/contract/policy.ts';
import { UNKNOWN_LENGTH } from '../exchange/body-length.ts';
import type { Exchange } from '../exchange/exchange.ts';
import { detached, detachedFields } from '../exchange/fields.ts';
import type { ResponseHead } from '../exchange/service.ts';
import type { AnswerCache, KeptAnswer } from './answer-cache.ts';
import { CacheRules, type Keepable } from './cache-rules.ts';

type CachedSettings = NonNullable<NonNullable<Policy['fallback']>['cached']>;

/** An answer that is to be kept once it is whole. */
export interface Keeping extends Keepable {
  readonly head: ResponseHead;
  /** Monotonic ms at which its head came, less the age that it had by then (RFC 9111 section 4.2.3). */
  readonly bornAt: number;
}

/** The last good answers of an upstream, by the policy's rules: what it keeps, and what it gives instead of an answer. */
export class CachedAnswers {
  private readonly cache: AnswerCache;
  private readonly rules: CacheRules;
  private readonly maxAge: number;
  readonly entrySize: number;

  constructor(cache: AnswerCache, settings: CachedSettings) {
    this.cache = cache;
    this.rules = new CacheRules(settings);
    this.maxAge = settings.maxAge;
    this.entrySize = settings.entrySize;
  }

  /** @param now monotonic ms */
  find(exchange: Exchange, now: number): KeptAnswer | null {
    if (!this.rules.covers(exchange)) return null;
    return this.cache.get(exchange.head, this.maxAge, now);
  }

  /**
   * Forgets what an answer shows to be no more.
   * @param now monotonic ms
   * @returns what is to be known of it if it is to be kept
   */
  note(exchange: Exchange, head: ResponseHead, now: number): Keeping | null {
    const { method, target, fields } = exchange.head;
    if (method === 'GET') {
      if (head.status === 404 || head.status === 410) this.cache.forget(target);
      if (head.bodyLength > this.entrySize || !this.rules.covers(exchange)) return null;
      const keepable = this.rules.judge(head, fields);
      return keepable && { ...keepable, head, bornAt: now - keepable.age };
    }
    // RFC 9111 section 4.4.
    if (!exchange.isSafe && head.status < 400) this.cache.forget(target);
    return null;
  }

  /** Keeps an answer that is whole. @param body latin1, in one piece */
  keep(exchange: Exchange, keeping: Keeping, body: string): void {
    const { head, vary, bornAt, usableFor } = keeping;
    const fields = detachedFields(keeping.fields);
    if (head.bodyLength === UNKNOWN_LENGTH) fields.push('Content-Length', String(body.length));
    this.cache.put(exchange.head, vary, {
      status: head.status,
      reason: detached(head.reason),
      fields,
      body,
      bornAt,
      usableFor,
    });
  }
}
