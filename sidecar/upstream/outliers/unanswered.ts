import type { OutlierSettings } from '../../../control-plane/contract/outliers-policy.ts';
import type { EndpointHealth } from './endpoint-health.ts';
import type { WaitingRequest } from './waiting-request.ts';

/**
 * When an endpoint does not answer any more: a process that is frozen, or has become slow all at once.
 *
 * What waits for long need not wait in vain: some requests are slow by nature, such as long polls. So it takes several, sent
 * one after the other since the endpoint's last answer, of which the first has waited for the endpoint's limit (four times what
 * nineteen of twenty recent answers took), and the last that is counted was sent when the first was late already: half the
 * limit after it, so that a burst of slow ones is no sign. Where a balancer avoids an endpoint at which something waits, requests
 * are sent there to find out. And others have to answer meanwhile: where all are slow, nobody is silent.
 */

/** Answers that all endpoints together need to have given before anything is judged by how long they took, and one of its own. */
const ENOUGH_ANSWERS = 10;
const ENOUGH_OF_ITS_OWN = 5;
/** The part of answers whose latency counts as usual. */
const USUAL = 0.95;
/** Answers of others that it takes while an endpoint is silent. */
const OTHERS_ANSWERS = 3;
/** The part of the limit after which the first request is late, and that which the last one has to wait. */
const LATE = 1 / 2;
const LAST_WAITS = 1 / 3;

interface Answering {
  readonly health: EndpointHealth;
}

/**
 * Computes the limits of all endpoints from their latencies. That of an endpoint is made of its own, or of those that are usual if
 * these are longer: the lower median, so that of two the slower one sets no standard.
 */
export function limitsOf(endpoints: readonly EndpointHealth[], { unanswered, slow }: OutlierSettings): void {
  let answers = 0;
  const all: number[] = [];
  for (const { latencies } of endpoints) {
    answers += latencies.count;
    if (latencies.count >= ENOUGH_OF_ITS_OWN) all.push(latencies.quantile(USUAL));
  }
  all.sort((a, b) => a - b);
  const isKnown = answers >= ENOUGH_ANSWERS && all.length > 0;
  const usual = isKnown ? all[(all.length - 1) >> 1] : 0;
  for (const health of endpoints) {
    const { latencies } = health;
    const own = latencies.count >= ENOUGH_OF_ITS_OWN ? latencies.quantile(USUAL) : 0;
    health.answerLimit = limit(isKnown, unanswered, Math.max(own, usual));
    health.slowLimit = limit(isKnown, slow, usual);
  }
}

function limit(isKnown: boolean, rule: { factor: number; atLeast: number } | null, usual: number): number {
  if (!isKnown || rule === null) return Number.POSITIVE_INFINITY;
  return Math.max(rule.atLeast, rule.factor * usual);
}

/** Whether the first request since its last answer is late. */
export function isSuspicious(health: EndpointHealth, now: number): boolean {
  const first = firstWhole(health);
  return first !== null && now - first.waitsSince >= health.answerLimit * LATE;
}

/** Whether the endpoint does not answer, as is said above. @param requests how many have to wait */
export function isSilent(
  member: Answering,
  all: readonly Answering[],
  requests: number,
  answers: number,
  now: number,
): boolean {
  const { health } = member;
  if (isOutrun(health, requests, now) && doOthersAnswer(member, all, health.firstOutrun, answers, now))
    return true;
  const first = firstWhole(health);
  if (first === null || now - first.waitsSince < health.answerLimit) return false;
  const last = lastNeeded(health, first, requests);
  if (last === null || now - last.waitsSince < health.answerLimit * LAST_WAITS) return false;
  return doOthersAnswer(member, all, first, answers, now);
}

/** Whether an endpoint that was left out does not answer the one request that it is tried with. */
export function isProbeSilent(
  member: Answering,
  all: readonly Answering[],
  probe: WaitingRequest,
  answers: number,
  now: number,
): boolean {
  return (
    now - probe.waitsSince >= member.health.answerLimit && doOthersAnswer(member, all, probe, answers, now)
  );
}

/** Whether more requests are needed to tell whether a suspicious endpoint answers. */
export function wantsTest(
  member: Answering,
  all: readonly Answering[],
  requests: number,
  answers: number,
  now: number,
): boolean {
  const first = firstWhole(member.health);
  if (first === null || lastNeeded(member.health, first, requests) !== null) return false;
  return doOthersAnswer(member, all, first, answers, now);
}

/** The first request that the endpoint has had all of, of those since its last answer. */
function firstWhole(health: EndpointHealth): WaitingRequest | null {
  let request = health.firstUnanswered;
  while (request !== null && request.waitsSince === Number.POSITIVE_INFINITY)
    request = health.waiting.after(request);
  return request;
}

/** The request that makes the number full and was sent when the first was late. */
function lastNeeded(health: EndpointHealth, first: WaitingRequest, requests: number): WaitingRequest | null {
  const late = first.waitsSince + health.answerLimit * LATE;
  let count = 0;
  for (
    let request: WaitingRequest | null = first;
    request !== null;
    request = health.waiting.after(request)
  ) {
    if (request.waitsSince === Number.POSITIVE_INFINITY) continue;
    if (++count >= requests && request.waitsSince >= late) return request;
  }
  return null;
}

/** Whether the same can be said of requests that did not wait on, because they were answered elsewhere (hedging). */
function isOutrun(health: EndpointHealth, requests: number, now: number): boolean {
  const { outrun, firstOutrun, lastOutrunSince, answerLimit } = health;
  if (outrun < requests || now - firstOutrun.waitsSince < answerLimit) return false;
  return lastOutrunSince >= firstOutrun.waitsSince + answerLimit * LATE;
}

/** Whether, since the request was sent, others have answered, and one of them is not late itself. */
function doOthersAnswer(
  member: Answering,
  all: readonly Answering[],
  { sentAt, allAnswersThen }: Pick<WaitingRequest, 'sentAt' | 'allAnswersThen'>,
  answers: number,
  now: number,
): boolean {
  if (answers - allAnswersThen < OTHERS_ANSWERS) return false;
  return all.some(
    other => other !== member && other.health.answeredAt >= sentAt && !isSuspicious(other.health, now),
  );
}
