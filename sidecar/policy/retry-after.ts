import { getField } from '../exchange/fields.ts';
import type { ResponseHead } from '../exchange/service.ts';

/**
 * How many ms an answer asks its caller to wait before it asks again; 0 where it does not. `Retry-After` (RFC 9110 section 10.2.3),
 * in seconds or as a date, which is held against the answer's own `Date`, so that no two clocks are compared. For a 429 also
 * `RateLimit-Reset` (draft-ietf-httpapi-ratelimit-headers-07) and `X-RateLimit-Reset`, in seconds or, as some have it, as seconds
 * since 1970.
 */
export function askedToWait({ status, fields }: ResponseHead): number {
  const sentAt = parseDate(getField(fields, 'date') ?? '');
  const retryAfter = getField(fields, 'retry-after');
  if (retryAfter !== undefined) return waitFor(retryAfter, sentAt);
  if (status !== 429) return 0;
  const reset = getField(fields, 'ratelimit-reset') ?? getField(fields, 'x-ratelimit-reset');
  return reset === undefined ? 0 : waitFor(reset, sentAt);
}

/** Seconds above this are a time, not a length of time. */
const SOONEST_TIMESTAMP = 1_000_000_000;
/** What is more, such as milliseconds since 1970, is as late as can be. */
const LATEST_TIMESTAMP = 1_000_000_000_000;

function waitFor(value: string, sentAt: number): number {
  if (/^\d+$/.test(value)) {
    const seconds = Math.min(Number(value), LATEST_TIMESTAMP);
    return seconds < SOONEST_TIMESTAMP ? seconds * 1000 : until(seconds * 1000, sentAt);
  }
  return /^[A-Z][a-z]{2,8},? /.test(value) ? until(parseDate(value), sentAt) : 0;
}

/** A date in any of the forms of RFC 9110 section 5.6.7, of which asctime's does not say that it is GMT. */
function parseDate(value: string): number {
  return Date.parse(value.endsWith(' GMT') ? value : `${value} GMT`);
}

function until(at: number, sentAt: number): number {
  const ms = at - sentAt;
  return Number.isFinite(ms) ? Math.max(0, ms) : 0;
}
