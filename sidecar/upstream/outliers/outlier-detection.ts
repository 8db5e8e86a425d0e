import type { OutlierSettings } from '../../../control-plane/contract/outliers-policy.ts';
import type { EjectionReason } from '../../exchange/ejection-reason.ts';
import type { Ejectable } from './ejection.ts';
import { type EjectionListener, Ejections } from './ejections.ts';
import { type EndpointHealth, usualFailures, usualSlowness, WindowCounts } from './endpoint-health.ts';
import { areOutliers } from './success-rate.ts';
import { isProbeSilent, isSilent, isSuspicious, limitsOf, wantsTest } from './unanswered.ts';
import type { WaitingRequest } from './waiting-request.ts';

/** An endpoint with what is known of it. */
interface Member extends Ejectable {
  readonly health: EndpointHealth;
}

/** What a request ended in that got no whole answer: it was not answered at all, or by something that is no answer. */
type NoAnswer = 'local' | 'gateway';

export interface OutlierListener<M> extends EjectionListener<M> {
  /** The endpoint does not answer what waits there. */
  onSilent(member: M): void;
}

/** How often limits are computed anew from latencies, in ms. */
const LEARN_MS = 500;
/** What a failure weighs is halved in so many ms. */
const PENALTY_HALVES_MS = 1_000;
const MOST_PENALTY = 20;
const LEAST_PENALTY = 0.05;
/** An endpoint that is due is tried with any request when none that could be sent elsewhere has come for so long. */
const PREFER_IDEMPOTENT_MS = 1_000;

/**
 * Finds the endpoints of an upstream that are to be left out: Envoy's rules, and those of this house about endpoints that do not
 * answer (`unanswered.ts`). Who leaves them out, and for how long, is `Ejections`.
 *
 * - Consecutive failures, gateway failures and local-origin failures: Envoy's, with local-origin failures counted apart and
 *   among the others too.
 * - Failure rate, slow rate: not within an interval and with a minimum of requests, but by `Evidence`, against what the others do.
 * - Success rate: Envoy's, at the end of each window.
 *
 * Only what an endpoint did is told here; what the sidecar refuses itself, or the application gives up, counts for nothing.
 */
export class OutlierDetection<M extends Member> {
  readonly ejections: Ejections<M>;
  /** Where the next request should go, to find out about the endpoint; null: nowhere in particular. */
  wanted: M | null = null;
  /** Null: nothing is left out. */
  private settings: OutlierSettings | null;
  private readonly listener: OutlierListener<M>;
  private members: readonly M[] = [];
  private wantedTimes = 0;
  /** Of all endpoints, in this window and the one before. */
  private readonly totals = new WindowCounts();
  private answers = 0;
  private waiting = 0;
  private hasPenalties = false;
  private sweptAt: number;
  private rollAt: number;
  private learnAt: number;

  /**
   * @param settings null: nothing is left out
   * @param random from 0 to below 1
   */
  constructor(
    settings: OutlierSettings | null,
    random: () => number,
    listener: OutlierListener<M>,
    now: number,
  ) {
    this.settings = settings;
    this.listener = listener;
    this.ejections = new Ejections(random, listener);
    this.sweptAt = now;
    this.rollAt = now;
    this.learnAt = now;
    this.configure(settings);
  }

  /** Takes over other settings. What is known stays. */
  configure(settings: OutlierSettings | null): void {
    this.settings = settings;
    this.wanted = null;
    this.ejections.configure(settings);
  }

  /** @param members those whose weight is above 0 */
  setMembers(members: readonly M[]): void {
    this.members = members;
    this.ejections.setMembers(members);
    this.wanted = null;
    this.countTotals();
  }

  /** Whether {@link sweep} is to be called every few ms. */
  get isBusy(): boolean {
    return (this.settings !== null && this.waiting > 0) || this.hasPenalties || this.ejections.isPending;
  }

  onSent(member: M, request: WaitingRequest, now: number): void {
    request.sentAt = now;
    request.hasFailed = false;
    if (!this.compares) return;
    member.health.noteSent(request, this.answers);
    this.waiting++;
    const { ejection } = member;
    if (ejection.phase === 'due') {
      this.ejections.probe(member, request, now);
      if (this.wanted === member) this.wanted = null;
    }
  }

  /** The head of an answer came. */
  onHead(member: M, request: WaitingRequest, status: number, now: number): void {
    const { health, ejection } = member;
    const wasWatched = request.isListed;
    if (wasWatched) {
      health.noteAnswer(request, now);
      this.waiting--;
    }
    this.answers++;
    if (!this.compares) return;
    // Of one that was sent while its endpoint was alone it is not known when. One that came before the request was complete took no time.
    const latency = wasWatched ? Math.max(0, now - request.waitsSince) : 0;
    if (wasWatched) health.latencies.add(latency);
    const isSlow = latency > health.slowLimit;
    if (status >= 500) {
      request.hasFailed = true;
      const isGateway = status >= 502 && status <= 504;
      return this.countFailure(member, request, isGateway ? 'gateway' : 'any', now);
    }
    if (status === 429) this.penalise(health, now);
    if (ejection.isTrial(request)) {
      if (isSlow) this.probeFailed(member, now);
      // Where answers broke off, it is the end that tells.
      else if (ejection.reason !== 'consecutive-local-failures') this.probeAnswered(member, now);
      return;
    }
    if (ejection.isOut) this.ejections.shorten(member, now);
    else this.countSlowness(member, isSlow, now);
  }

  /** The answer, which was no failure, is complete. */
  onWhole(member: M, request: WaitingRequest, now: number): void {
    if (!this.compares) return;
    const { health, ejection } = member;
    if (ejection.isTrial(request)) this.probeAnswered(member, now);
    health.failuresInARow = 0;
    health.gatewayFailuresInARow = 0;
    health.localFailuresInARow = 0;
    this.count(health, false);
    const failureRate = this.settings?.failureRate ?? null;
    if (failureRate === null || health.failures.isNone) return;
    health.failures.add(false, usualFailures(this.totals, health), failureRate);
  }

  /** There was no answer, or no whole one, and that is the endpoint's doing. */
  onFailure(member: M, request: WaitingRequest, what: NoAnswer, now: number): void {
    this.forget(member, request);
    // A failure that breaks off is one failure.
    if (!this.compares || request.hasFailed) return;
    request.hasFailed = true;
    this.countFailure(member, request, what, now);
  }

  /** It ended otherwise, which says nothing about the endpoint. */
  onGivenUp(member: M, request: WaitingRequest, now: number): void {
    this.forget(member, request);
    if (request === member.ejection.probe && member.ejection.phase === 'probing')
      this.ejections.probeLost(member, now);
  }

  /** It had not answered when another endpoint answered the same request, which did not wait any longer. */
  onOutrun(member: M, request: WaitingRequest, now: number): void {
    if (request.isListed) member.health.noteOutrun(request);
    this.forget(member, request);
    if (request === member.ejection.probe && member.ejection.phase === 'probing')
      this.ejections.probeOutrun(member, now);
  }

  /** It did not answer, and the request was sent to another. */
  onMoved(member: M, request: WaitingRequest, now: number): void {
    this.forget(member, request);
    this.penalise(member.health, now);
    this.count(member.health, true);
  }

  /**
   * The endpoint that the next request should go to. Asked only where {@link wanted} is not null.
   * @param isMovable the request can be sent to another endpoint if this one does not answer
   */
  take(isMovable: boolean, now: number): M | null {
    const { wanted } = this;
    if (wanted === null) return null;
    const { ejection } = wanted;
    const isUrgent = ejection.phase === 'due' && now - ejection.until >= PREFER_IDEMPOTENT_MS;
    if (!isMovable && !isUrgent) return null;
    if (--this.wantedTimes <= 0) this.wanted = null;
    return wanted;
  }

  /** Time has passed. @returns whether shares have changed */
  sweep(now: number): boolean {
    this.fadePenalties(now);
    const { settings } = this;
    if (settings === null) return false;
    if (now >= this.rollAt) this.roll(settings, now);
    if (now >= this.learnAt) this.learn(settings, now);
    const hasChanged = this.ejections.sweep(now);
    if (settings.unanswered !== null) this.findSilent(settings.unanswered.requests, now);
    this.findWanted(settings.unanswered?.requests ?? null, now);
    return hasChanged;
  }

  /** Alone, an endpoint can't be worse than others, nor be left out. */
  get compares(): boolean {
    return this.members.length > 1;
  }

  private forget(member: M, request: WaitingRequest): void {
    if (!request.isListed) return;
    member.health.noteGone(request);
    this.waiting--;
  }

  private countFailure(member: M, request: WaitingRequest, what: NoAnswer | 'any', now: number): void {
    const { health, ejection } = member;
    this.penalise(health, now);
    this.count(health, true);
    const { settings } = this;
    if (settings === null) return;
    if (ejection.isTrial(request)) return this.probeFailed(member, now);
    if (ejection.isOut) return;
    health.failuresInARow++;
    health.gatewayFailuresInARow = what === 'any' ? 0 : health.gatewayFailuresInARow + 1;
    health.localFailuresInARow = what === 'local' ? health.localFailuresInARow + 1 : 0;
    const reason = this.judge(health, settings);
    if (reason !== null) this.eject(member, reason, now);
  }

  /** Why an endpoint that has just failed is to be left out, or null. */
  private judge(health: EndpointHealth, settings: OutlierSettings): EjectionReason | null {
    const { failureRate } = settings;
    if (health.localFailuresInARow >= settings.consecutiveLocalFailures) return 'consecutive-local-failures';
    if (health.failuresInARow >= settings.consecutiveFailures) return 'consecutive-failures';
    if (health.gatewayFailuresInARow >= settings.consecutiveGatewayFailures)
      return 'consecutive-gateway-failures';
    if (failureRate === null) return null;
    return health.failures.add(true, usualFailures(this.totals, health), failureRate) ? 'failure-rate' : null;
  }

  private countSlowness(member: M, isSlow: boolean, now: number): void {
    const { health } = member;
    const slow = this.settings?.slow ?? null;
    if (isSlow) {
      health.window.slow++;
      this.totals.slow++;
    }
    if (slow === null || (!isSlow && health.slowness.isNone)) return;
    const usual = usualSlowness(this.totals, health);
    if (health.slowness.add(isSlow, usual, slow.rate)) this.eject(member, 'slow', now);
  }

  private count(health: EndpointHealth, hasFailed: boolean): void {
    health.window.requests++;
    this.totals.requests++;
    if (!hasFailed) return;
    health.window.failed++;
    this.totals.failed++;
  }

  private eject(member: M, reason: EjectionReason, now: number): void {
    if (this.ejections.eject(member, reason, now)) member.health.forgive();
  }

  private probeFailed(member: M, now: number): void {
    this.ejections.eject(member, member.ejection.reason ?? 'consecutive-failures', now);
  }

  private probeAnswered(member: M, now: number): void {
    member.health.forgive();
    this.ejections.letBack(member, now);
  }

  private penalise(health: EndpointHealth, now: number): void {
    // Nobody may have looked for a while, and that time is none in which this was forgotten.
    if (!this.hasPenalties) this.sweptAt = now;
    health.penalty = Math.min(MOST_PENALTY, health.penalty + 1);
    this.hasPenalties = true;
  }

  private fadePenalties(now: number): void {
    const passed = now - this.sweptAt;
    this.sweptAt = now;
    if (!this.hasPenalties) return;
    const left = 2 ** (-passed / PENALTY_HALVES_MS);
    this.hasPenalties = false;
    for (const { health } of this.members) {
      if (health.penalty === 0) continue;
      health.penalty *= left;
      if (health.penalty < LEAST_PENALTY) health.penalty = 0;
      else this.hasPenalties = true;
    }
  }

  private roll(settings: OutlierSettings, now: number): void {
    const { window, successRateDeviation, successRateEndpoints, successRateRequests } = settings;
    // Nobody has looked for a while: what was counted is old.
    const isOld = now - this.rollAt >= window;
    this.rollAt = now + window;
    if (successRateDeviation !== null && !isOld) {
      const judged = this.members.filter(
        ({ health, ejection }) => !ejection.isOut && health.window.requests >= successRateRequests,
      );
      const rates = judged.map(({ health: { window: counts } }) => 1 - counts.failed / counts.requests);
      if (judged.length >= successRateEndpoints) {
        const outliers = areOutliers(rates, successRateDeviation);
        for (const [i, member] of judged.entries()) if (outliers[i]) this.eject(member, 'success-rate', now);
      }
    }
    for (const { health } of this.members) {
      health.roll();
      if (isOld) health.roll();
    }
    this.countTotals();
  }

  private countTotals(): void {
    this.totals.clear();
    for (const { health } of this.members) {
      this.totals.add(health.window);
      this.totals.add(health.before);
    }
  }

  private learn(settings: OutlierSettings, now: number): void {
    this.learnAt = now + LEARN_MS;
    limitsOf(
      this.members.map(({ health }) => health),
      settings,
    );
  }

  /** @param requests how many have to wait */
  private findSilent(requests: number, now: number): void {
    for (const member of this.members) {
      const { health, ejection } = member;
      if (health.firstUnanswered === null && health.outrun === 0) continue;
      const { probe } = ejection;
      if (probe === null && (ejection.isOut || now - health.foundSilentAt < health.answerLimit)) continue;
      const answers =
        probe !== null
          ? !isProbeSilent(member, this.members, probe, this.answers, now)
          : !isSilent(member, this.members, requests, this.answers, now);
      if (answers) continue;
      health.foundSilentAt = now;
      this.eject(member, 'unanswered', now);
      this.listener.onSilent(member);
    }
  }

  /** @param requests how many have to wait where it matters whether endpoints answer, else null */
  private findWanted(requests: number | null, now: number): void {
    this.wanted = null;
    for (const member of this.members) {
      const { health, ejection } = member;
      if (ejection.phase === 'due') {
        this.wanted = member;
        this.wantedTimes = 1;
        return;
      }
      if (this.wanted !== null || requests === null || health.firstUnanswered === null) continue;
      if (ejection.isOut || !isSuspicious(health, now)) continue;
      if (!wantsTest(member, this.members, requests, this.answers, now)) continue;
      this.wanted = member;
      this.wantedTimes = Math.max(1, requests - health.unanswered);
    }
  }
}
