import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { answerOf } from '../e2e/harness/faulty-app.ts';
import {
  type FromLoad,
  type LoadOrder,
  type Pace,
  type Result,
  requestsDue,
  type SentRequest,
  type ToLoad,
} from './load-order.ts';
import { monotonicMs } from './monotonic.ts';

/** How long answers are waited for after the last request was sent. */
const PATIENCE_MS = 8_000;
/** What was missed because the generator itself was held up is sent at this many a millisecond, not all at once. */
const MOST_AT_ONCE = 5;
const POST_BODY = 'x'.repeat(200);

/**
 * The callers, in a process of their own: they send requests when these are due, each on a connection that is free, else on a new one,
 * and note what comes of it. A latency counts from when a request is really sent: a caller that is late for want of a core is not
 * the proxy's fault, and one that waits holds up no other.
 */
class Callers {
  private readonly agent = new Agent({ keepAlive: true, maxFreeSockets: 10_000, noDelay: true });
  private readonly order: LoadOrder;
  private readonly requests: SentRequest[] = [];
  private readonly under = new Map<number, { readonly sentAt: number; readonly isPost: boolean }>();
  private readonly timer: NodeJS.Timeout;
  private pace: Pace;
  private paceSince = monotonicMs();
  private sentAtPace = 0;
  private nextId = 0;
  private lastTick = monotonicMs();
  private heldUpMs = 0;
  private onIdle = (): void => {};

  constructor(order: LoadOrder) {
    this.order = order;
    this.pace = order.pace;
    this.timer = setInterval(() => this.tick(), 1);
  }

  change(pace: Pace): void {
    this.pace = pace;
    this.paceSince = monotonicMs();
    this.sentAtPace = 0;
  }

  /** Sends no more, and waits for the answers. */
  async end(): Promise<FromLoad> {
    clearInterval(this.timer);
    if (this.under.size > 0) {
      await new Promise<void>(resolve => {
        this.onIdle = resolve;
        setTimeout(resolve, PATIENCE_MS);
      });
    }
    for (const id of this.under.keys()) this.settle(id, 'none');
    this.agent.destroy();
    return { kind: 'report', report: { requests: this.requests, heldUpMs: this.heldUpMs } };
  }

  private tick(): void {
    const now = monotonicMs();
    this.heldUpMs = Math.max(this.heldUpMs, now - this.lastTick);
    this.lastTick = now;
    const due = requestsDue(this.pace, now - this.paceSince);
    for (let i = 0; i < MOST_AT_ONCE && this.sentAtPace < due; i++, this.sentAtPace++)
      this.send(this.nextId++);
  }

  private send(id: number): void {
    const { port, method, path, length, hangUpAfterMs } = this.order;
    const isPost = method === 'POST' || (method === 'both' && id % 2 === 1);
    this.under.set(id, { sentAt: monotonicMs(), isPost });
    const sent = request({
      agent: this.agent,
      host: '127.0.0.1',
      port,
      method: isPost ? 'POST' : 'GET',
      path: `${path}?id=${id}&length=${length}`,
      headers: { host: 'app', ...(isPost ? { 'content-length': POST_BODY.length } : {}) },
    });
    sent.on('response', response => this.read(id, response));
    sent.on('error', () => this.settle(id, 'none'));
    sent.end(isPost ? POST_BODY : undefined);
    if (hangUpAfterMs !== null) setTimeout(() => this.hangUp(id, sent), hangUpAfterMs);
  }

  private read(id: number, response: IncomingMessage): void {
    const pieces: Buffer[] = [];
    response.on('data', piece => pieces.push(piece));
    response.on('end', () => {
      // A declared length that is not reached is an error before it comes to this.
      if (response.statusCode !== 200) this.settle(id, response.statusCode ?? 0);
      else this.settle(id, isAnswerTo(id, this.order.length, pieces) ? 'good' : 'wrong');
    });
    response.on('error', () => this.settle(id, 'torn'));
  }

  private hangUp(id: number, sent: ClientRequest): void {
    if (!this.under.has(id)) return;
    this.settle(id, 'left');
    sent.destroy();
  }

  private settle(id: number, result: Result): void {
    const begun = this.under.get(id);
    if (begun === undefined) return;
    this.under.delete(id);
    this.requests.push({ id, ...begun, tookMs: monotonicMs() - begun.sentAt, result });
    if (this.under.size === 0) this.onIdle();
  }
}

function isAnswerTo(id: number, length: number, pieces: readonly Buffer[]): boolean {
  return Buffer.concat(pieces).equals(Buffer.from(answerOf(id, length), 'latin1'));
}

let callers: Callers | null = null;

process.on('message', async (message: ToLoad) => {
  switch (message.kind) {
    case 'begin':
      callers = new Callers(message.order);
      return tell({ kind: 'done' });
    case 'pace':
      callers?.change(message.pace);
      return tell({ kind: 'done' });
    case 'end':
      if (callers !== null) tell(await callers.end());
      callers = null;
  }
});
process.on('disconnect', () => process.exit());
// Ctrl-C reaches the whole terminal group; the parent ends this process itself.
process.on('SIGINT', () => {});
tell({ kind: 'ready' });

function tell(message: FromLoad): void {
  process.send?.(message);
}
