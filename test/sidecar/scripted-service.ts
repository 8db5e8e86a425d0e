import assert from 'node:assert/strict';
import type { AttemptTarget, Exchange } from '../../sidecar/exchange/exchange.ts';
import { type Failure, type FailureKind, failure } from '../../sidecar/exchange/failure.ts';
import type { Call, Reply, ResponseHead, Service } from '../../sidecar/exchange/service.ts';
import { aResponseHead } from './exchanges.ts';

/** What stands where an upstream would, and does what the test says: each call is an attempt against the next endpoint. */
export class ScriptedService implements Service {
  readonly calls: ScriptedCall[] = [];
  endpoints: AttemptTarget[];
  /** Why no endpoint can be connected to; null where one can. */
  loss: Failure | null = null;
  /** Whether endpoints have been connected to. */
  isReachable = false;
  /** What to do where there is no endpoint. */
  remedy = 'Start one.';
  /** Called in the middle of `call`: what an attempt does at once. */
  onCall: (call: ScriptedCall) => void = () => {};

  constructor(endpoints = 2) {
    this.endpoints = Array.from({ length: endpoints }, (_, i) => ({ name: `10.0.0.${i + 1}:80` }));
  }

  /** The attempt that was started last. */
  get last(): ScriptedCall {
    const last = this.calls.at(-1);
    assert.ok(last, 'nothing was attempted');
    return last;
  }

  call(exchange: Exchange, reply: Reply): Call {
    const call = new ScriptedCall(exchange, reply);
    exchange.tried.push(this.endpoints[exchange.attempts % this.endpoints.length]);
    exchange.attempts++;
    this.calls.push(call);
    this.onCall(call);
    return call;
  }

  hasOther(exchange: Exchange): boolean {
    return this.endpoints.some(endpoint => endpoint !== exchange.tried.at(-1));
  }

  hasUntried(exchange: Exchange): boolean {
    return this.endpoints.some(endpoint => !exchange.tried.includes(endpoint));
  }

  hasSpare(exchange: Exchange): boolean {
    return this.hasUntried(exchange);
  }

  hasLost(): boolean {
    return this.loss !== null;
  }

  isReached(): boolean {
    return this.loss === null && this.isReachable;
  }
}

/** One attempt. Fails the test where it would have to say something after its end. */
export class ScriptedCall implements Call {
  readonly exchange: Exchange;
  isPaused = false;
  /** What it was cancelled with, or null. */
  cancelled: Failure | null = null;
  isEnded = false;
  /** How often it was cancelled after its end: harmless, but somebody has kept something running. */
  lateCancels = 0;
  hasHead = false;
  /** What it failed with, or null. */
  failed: Failure | null = null;
  /** Called at its end, before the reply is told: where an attempt gives back what it holds. */
  onEnd: () => void = () => {};
  private readonly reply: Reply;

  constructor(exchange: Exchange, reply: Reply) {
    this.exchange = exchange;
    this.reply = reply;
  }

  pause(): void {
    if (!this.isEnded) this.isPaused = true;
  }

  resume(): void {
    if (!this.isEnded) this.isPaused = false;
  }

  cancel(reason: Failure): void {
    if (this.isEnded) {
      this.lateCancels++;
      return;
    }
    this.cancelled = reason;
    this.finish();
    this.reply.fail(reason);
  }

  informational(status = 103): void {
    this.reply.informational(aResponseHead({ status }));
  }

  head(values: Partial<ResponseHead> | number = 200): void {
    this.hasHead = true;
    this.reply.head(aResponseHead(typeof values === 'number' ? { status: values } : values));
  }

  data(text = 'x'): void {
    this.reply.data(Buffer.from(text, 'latin1'));
  }

  flush(): void {
    this.reply.flush();
  }

  end(trailers: string[] | null = null): void {
    this.finish();
    this.reply.end(trailers);
  }

  fail(kind: FailureKind, reachedNobody?: boolean): void {
    this.failed = failure(kind, `Attempt ${this.exchange.attempts} ended in ${kind}.`, reachedNobody);
    this.finish();
    this.reply.fail(this.failed);
  }

  /** A whole answer. */
  answer(status = 200, text = ''): void {
    this.head(status);
    if (this.isEnded) return;
    if (text !== '') this.data(text);
    this.end();
  }

  private finish(): void {
    assert.ok(!this.isEnded, 'the script ends an attempt twice');
    this.isEnded = true;
    this.onEnd();
  }
}
