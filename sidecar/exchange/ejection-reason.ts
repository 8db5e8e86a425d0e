/** The rule by which an endpoint is left out for a while. */
export type EjectionReason =
  | 'consecutive-failures'
  | 'consecutive-gateway-failures'
  | 'consecutive-local-failures'
  | 'failure-rate'
  | 'success-rate'
  | 'slow'
  | 'unanswered';
