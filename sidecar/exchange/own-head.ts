import { STATUS_CODES } from 'node:http';
import type { Fields } from './fields.ts';
import type { ResponseHead } from './service.ts';

/** Says, as the kind of a failure, why the upstream's answer is not there. */
export const ERROR_FIELD = 'x-outrider-error';
/** Says, as `exhausted`, that who answers has done what retries can do. */
export const RETRY_FIELD = 'x-outrider-retry';
/** Says what answers in the upstream's place. */
export const FALLBACK_FIELD = 'x-outrider-fallback';

/**
 * The head of an answer that the sidecar makes itself.
 * @param fields with `Content-Length` where there is to be one
 * @param bodyLength bytes that follow; 0 for a HEAD
 */
export function ownHead(
  status: number,
  fields: Fields,
  bodyLength: number,
  reason = STATUS_CODES[status] ?? '',
): ResponseHead {
  return {
    status,
    version: '1.1',
    reason,
    fields,
    bodyLength,
    upgrade: null,
    tunnel: false,
    endsWithConnection: false,
  };
}
