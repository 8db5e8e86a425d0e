/**
 * How long to wait before a retry, in ms: anything from 0 to a bound that doubles with each retry ("full jitter", as in Envoy's
 * router and the AWS architecture blog's "Exponential Backoff And Jitter"), so that callers that failed together do not come back
 * together.
 * @param retry 1 for the first retry
 * @param random from 0 to below 1
 */
export function backoff(retry: number, baseMs: number, maxMs: number, random: number): number {
  return random * Math.min(maxMs, baseMs * 2 ** (retry - 1));
}
