const TICK_MS = 5;
/** More do not come while this many wait: a machine that is too slow for the rate is no failure of the mesh. */
const MAX_IN_FLIGHT = 50;
const ANSWER_WITHIN_MS = 20_000;
const KNOWN_ORDERS = 500;
/** An order with an id that a person can type. */
export const FIRST_ORDER = 'first';
const MENU = ['margherita', 'funghi', 'marinara', 'calzone'];

/** Is told what becomes of requests. */
export interface TrafficLog {
  /** Requests that were not sent, because too many were waiting for an answer. */
  heldBack: number;
  success(tookMs: number): void;
  failure(what: string, tookMs: number): void;
}

/**
 * Customers: most look at an order, some change one (PUT), a few place a new one (POST). They come at a fixed rate,
 * whether or not those before them have been served (up to a limit), and count an answer that is not what it should be as a failure.
 */
export class Traffic {
  inFlight = 0;
  private readonly gatewayUrl: string;
  private readonly ratePerSecond: number;
  private readonly log: TrafficLog;
  private readonly known: string[] = [FIRST_ORDER];
  private timer: NodeJS.Timeout | null = null;
  private idle: (() => void) | null = null;

  constructor(gatewayUrl: string, ratePerSecond: number, log: TrafficLog) {
    this.gatewayUrl = gatewayUrl;
    this.ratePerSecond = ratePerSecond;
    this.log = log;
  }

  /** Places the first order and sets out. */
  async start(): Promise<void> {
    await this.exchange('PUT', `/orders/${FIRST_ORDER}`, someItems());
    const startedAt = performance.now();
    let sent = 0;
    this.timer = setInterval(() => {
      const due = Math.floor(((performance.now() - startedAt) * this.ratePerSecond) / 1000);
      for (; sent < due; sent++) this.sendOne(sent);
    }, TICK_MS);
  }

  /** Sends no more, and is done when the last one is answered. */
  async stop(): Promise<void> {
    if (this.timer !== null) clearInterval(this.timer);
    this.timer = null;
    if (this.inFlight === 0) return;
    await new Promise<void>(resolve => {
      this.idle = resolve;
    });
  }

  /** Of fifty requests, one places an order, four change one, the rest look at one. */
  private sendOne(number: number): void {
    const id = this.known[Math.floor(Math.random() * this.known.length)];
    if (this.inFlight >= MAX_IN_FLIGHT) {
      this.log.heldBack += 1;
    } else if (id === undefined || number % 50 === 49) {
      void this.exchange('POST', '/orders', someItems());
    } else if (number % 50 < 4) {
      void this.exchange('PUT', `/orders/${id}`, someItems());
    } else {
      void this.exchange('GET', `/orders/${id}`, null);
    }
  }

  private async exchange(method: string, path: string, items: readonly string[] | null): Promise<void> {
    this.inFlight += 1;
    const startedAt = performance.now();
    try {
      const response = await fetch(this.gatewayUrl + path, {
        method,
        // Each customer has a connection of their own.
        headers: { 'content-type': 'application/json', connection: 'close' },
        body: items === null ? null : JSON.stringify({ items }),
        signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      });
      const text = await response.text();
      const tookMs = performance.now() - startedAt;
      const id = response.status === 200 ? orderIdOf(text, method) : null;
      if (id === null)
        this.log.failure(`${method} ${path}: ${response.status} ${text.trim().slice(0, 300)}`, tookMs);
      else this.log.success(tookMs);
      if (id !== null && method === 'POST') this.remember(id);
    } catch (error) {
      this.log.failure(`${method} ${path}: ${reasonOf(error)}`, performance.now() - startedAt);
    }
    this.inFlight -= 1;
    if (this.inFlight === 0) this.idle?.();
  }

  private remember(id: string): void {
    this.known.push(id);
    if (this.known.length > KNOWN_ORDERS) this.known.shift();
  }
}

/** The id of the order in a good answer, or null where the answer is not whole. A GET has a part of every service in it. */
export function orderIdOf(text: string, method: string): string | null {
  try {
    const order = JSON.parse(text) as Record<string, unknown>;
    const isWhole =
      typeof order.id === 'string' &&
      Array.isArray(order.items) &&
      (method !== 'GET' ||
        (typeof order.kitchen === 'string' &&
          typeof order.delivery === 'string' &&
          typeof order.total === 'number'));
    return isWhole ? (order.id as string) : null;
  } catch {
    return null;
  }
}

function someItems(): string[] {
  const count = 1 + Math.floor(Math.random() * 3);
  return Array.from({ length: count }, () => MENU[Math.floor(Math.random() * MENU.length)] ?? 'margherita');
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
