/**
 * Why an attempt that another one should have followed was the last one: a closed list, for metrics and the access log, and for the
 * person who reads of the failure.
 */
export const RETRY_REFUSALS = {
  attempts: 'All attempts were made (retry.attempts)',
  method: 'An endpoint may have acted upon it, and its method must not be done twice (retry.methods)',
  body: 'Its body is too large to have been kept (limits.retryBody)',
  'no-other': 'There is no other endpoint to send it to',
  nested: 'It is itself a retry, of the one who sent it (retry.oneLayer)',
  exhausted: 'The answer says that it was retried already (retry.oneLayer)',
  'retry-after': 'The answer asks for more time than is waited for (retry.retryAfter)',
  deadline: 'There is no time left for another attempt (timeouts.total, or what the request says it has)',
  budget: 'Too many of the last requests were sent again (retry.budget)',
  concurrent: 'As many requests as may be are being sent again right now (limits.retries)',
} as const;

export type RetryRefusal = keyof typeof RETRY_REFUSALS;
