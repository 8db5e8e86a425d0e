import type { RequestHead } from '../exchange/exchange.ts';
import type { Failure } from '../exchange/failure.ts';
import type { Service } from '../exchange/service.ts';
import type { TargetForm } from '../http1/request-head.ts';
import type { HttpDate } from '../io/http-date.ts';
import type { TimerWheel } from '../io/timer-wheel.ts';
import type { DownstreamCounters } from '../telemetry/counters.ts';

/** Finds what serves a request. */
interface Router {
  /** @param port the local port that the request came in on */
  route(head: RequestHead, form: TargetForm, port: number): Service;
}

/** A connection as whoever accepted it sees it. */
export interface OpenConnection {
  /** Whether an exchange or a tunnel is under way. */
  readonly isBusy: boolean;
  /** Fails what is under way, if anything is, and takes no more: an answer that has not begun tells why. */
  cut(reason: Failure): void;
  /** Closes at once whatever is under way. */
  destroy(): void;
}

/** What an application's connection is bound by. Sizes in bytes, durations in ms. */
export interface DownstreamLimits {
  readonly headSize: number;
  readonly headFields: number;
  readonly headTimeout: number;
  readonly idleTimeout: number;
  readonly pipelined: number;
  readonly halfClose: number;
  /** `Infinity` where there is no limit. */
  readonly requestBody: number;
  readonly connections: number;
}

/** What all connections of applications share. The parts that a new configuration replaces are read anew for each request. */
export interface DownstreamContext {
  readonly wheel: TimerWheel;
  readonly date: HttpDate;
  readonly counters: DownstreamCounters;
  router: Router;
  limits: DownstreamLimits;
  /** The pseudonym in the Via field to add to answers, or '' for none. */
  via: string;
  /** Bytes of a request's body that are kept so that it can be sent again. */
  keepForReplay: number;
  /** The sidecar is about to stop: connections are closed after their answer. */
  isDraining: boolean;
  onClosed(connection: OpenConnection): void;
  /** A connection was closed at once: there are as many as `limits.connections` permits. */
  onConnectionRefused(): void;
  /** A request was refused for its form, before or while it was routed. */
  onRefused(reason: Failure): void;
}
