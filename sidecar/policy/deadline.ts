import { DEADLINE_FIELD, type Exchange, GRPC_TIMEOUT_FIELD } from '../exchange/exchange.ts';
import { type Failure, failure } from '../exchange/failure.ts';
import { type Fields, getField, removeFields } from '../exchange/fields.ts';
import { type Call, ENDED_CALL, type Layer, type Reply, type Service } from '../exchange/service.ts';
import type { TimerWheel } from '../io/timer-wheel.ts';
import { TimedReply } from './timed-reply.ts';

/**
 * A bound on the time from a request until the head of its answer, whatever happens meanwhile. As in Envoy, the time that the
 * application takes to send its request does not count; unlike there, neither does the body of the answer: a long download or an
 * event stream is not broken off for being long. What stands still is the business of `timeouts.idle`.
 */
interface DeadlineSettings {
  /** Milliseconds; null: as long as it takes. */
  readonly total: number | null;
  /** Whether what a request says of its deadline lowers that, and endpoints are told what is left. */
  readonly propagate: boolean;
  /** For the person who reads the failure. */
  readonly upstream: string;
}

export function deadlineLayer(settings: DeadlineSettings, wheel: TimerWheel): Layer {
  return next => new DeadlineService(next, settings, wheel);
}

class DeadlineService implements Service {
  private readonly next: Service;
  private readonly settings: DeadlineSettings;
  private readonly wheel: TimerWheel;

  constructor(next: Service, settings: DeadlineSettings, wheel: TimerWheel) {
    this.next = next;
    this.settings = settings;
    this.wheel = wheel;
  }

  call(exchange: Exchange, reply: Reply): Call {
    const { next, settings, wheel } = this;
    const { begunAt } = exchange;
    if (settings.total !== null) exchange.total = settings.total;
    if (settings.propagate) takeOver(exchange);
    const left = exchange.timeLeft(begunAt);
    if (left === Number.POSITIVE_INFINITY) return next.call(exchange, reply);
    const call = new BoundedCall(exchange, reply, settings, wheel);
    if (left <= 0) {
      call.fail(call.overdue());
      return ENDED_CALL;
    }
    // From the exchange's start, whatever it waited for since then.
    wheel.start(call.timer, left, begunAt);
    call.inner = next.call(exchange, call);
    return call.inner;
  }
}

class BoundedCall extends TimedReply {
  private readonly settings: DeadlineSettings;

  constructor(exchange: Exchange, reply: Reply, settings: DeadlineSettings, wheel: TimerWheel) {
    super(exchange, reply, wheel);
    this.settings = settings;
  }

  protected override left(now: number): number {
    return this.exchange.timeLeft(now);
  }

  override overdue(): Failure {
    const { upstream } = this.settings;
    const { callerDeadline, startedAt, total } = this.exchange;
    // What `grpc-timeout` says may be a fraction.
    const asked = Math.round(1000 * (callerDeadline - startedAt)) / 1000;
    const within =
      asked <= total ? `the ${asked} ms that the request says it has` : `${total} ms (timeouts.total)`;
    return failure('deadline', `${upstream} did not answer within ${within}.`, false);
  }
}

/** Notes the deadline that the request brings along. The fields go on with what is left when an attempt is sent. */
function takeOver(exchange: Exchange): void {
  const { fields } = exchange.head;
  const left = saidTimeLeft(fields);
  if (left !== null) {
    exchange.callerDeadline = exchange.startedAt + left;
    removeFields(fields, DEADLINE_FIELD);
    if (left < Number.POSITIVE_INFINITY && getField(fields, GRPC_TIMEOUT_FIELD) !== undefined) {
      removeFields(fields, GRPC_TIMEOUT_FIELD);
      exchange.tellsGrpcTimeout = true;
    }
  }
  exchange.tellsTimeLeft = true;
}

/**
 * How many ms a request says that there are left, the least where it says so more than once; `Infinity` where that can't be
 * understood, null where it says nothing. `x-request-deadline-ms` is a length of time and not a time, so that no two clocks have to agree.
 */
export function saidTimeLeft(fields: Fields): number | null {
  let left: number | null = null;
  for (let i = 0; i < fields.length; i += 2) {
    const name = fields[i];
    // The length settles it for almost every field.
    if (name.length === DEADLINE_FIELD.length && name.toLowerCase() === DEADLINE_FIELD)
      left = Math.min(left ?? Number.POSITIVE_INFINITY, parseMilliseconds(fields[i + 1]));
    else if (name.length === GRPC_TIMEOUT_FIELD.length && name.toLowerCase() === GRPC_TIMEOUT_FIELD)
      left = Math.min(left ?? Number.POSITIVE_INFINITY, parseGrpcTimeout(fields[i + 1]));
  }
  return left;
}

/** A day, as the settings have it: more is as good as none. */
const LONGEST_MS = 24 * 3_600_000;

function parseMilliseconds(value: string): number {
  return /^\d{1,15}$/.test(value) ? Math.min(Number(value), LONGEST_MS) : Number.POSITIVE_INFINITY;
}

const GRPC_UNIT_MS: Readonly<Record<string, number>> = {
  H: 3_600_000,
  M: 60_000,
  S: 1_000,
  m: 1,
  u: 0.001,
  n: 0.000001,
};

/** `Timeout` of the gRPC protocol over HTTP/2: up to eight digits and a unit. */
function parseGrpcTimeout(value: string): number {
  if (!/^\d{1,8}[HMSmun]$/.test(value)) return Number.POSITIVE_INFINITY;
  const ms = Number(value.slice(0, -1)) * GRPC_UNIT_MS[value[value.length - 1]];
  return Math.min(ms, LONGEST_MS);
}
