import type { Measurement } from './measurement.ts';

/** A measurement for tests, of nothing but what is given. */
export function measurement(given: Partial<Measurement>): Measurement {
  return {
    cpuUs: null,
    userUs: null,
    otherThreadsUs: null,
    coreUs: null,
    coreBusy: null,
    disturbance: null,
    requestsPerSecond: null,
    latency: null,
    residentBytes: null,
    readyMs: null,
    errors: {},
    ...given,
  };
}
