import { badRequest, type Failure, failure } from '../exchange/failure.ts';

/** Where an exchange stands still. */
export interface Standstill {
  readonly isTunnel: boolean;
  /** The application has no room for more of the answer. */
  readonly isPaused: boolean;
  /** The endpoint has no room for more of the request. */
  readonly isBlocked: boolean;
  /** All of the request is written. */
  readonly isSent: boolean;
}

/**
 * Why an exchange ends for which no byte has come or gone for `limit` ms: on account of whoever does not go on.
 * @param where the connection, for the person who reads of it
 */
export function silence(
  { isTunnel, isPaused, isBlocked, isSent }: Standstill,
  limit: number,
  where: string,
): Failure {
  if (isTunnel)
    return failure('client-gone', `${where}: the tunnel was silent for ${limit} ms (timeouts.tunnel).`);
  const within = `within ${limit} ms (timeouts.idle).`;
  if (isPaused)
    return failure('client-gone', `The application has made no room for more of the answer ${within}`);
  if (isBlocked) return failure('reset', `${where} took no more of the request ${within}`);
  if (!isSent) return badRequest(408, `The request has a body of which no more came ${within}`);
  return failure('reset', `${where} was silent for ${limit} ms (timeouts.idle).`);
}
