import type { Figures } from './figures.ts';

/** Figures of 1,500 requests with which all is well, but for what is given. */
export function figures(given: Partial<Figures> = {}): Figures {
  return {
    requests: 1_500,
    failed: 0,
    failedGets: 0,
    failedPosts: 0,
    torn: 0,
    wrong: 0,
    slow: 0,
    p99Ms: 7,
    recoveryMs: 0,
    amplification: 1,
    shareToBad: null,
    sentTwice: 0,
    slowestFailureMs: null,
    failureP99Ms: null,
    goodput: null,
    servedP99Ms: 7,
    lostAnswers: 0,
    left: 0,
    leftAndFinished: 0,
    ...given,
  };
}
