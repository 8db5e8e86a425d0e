import type { FaultyMode } from '../e2e/harness/faulty-app.ts';
import type { LoadOrder } from './load-order.ts';
import type { Stage } from './stage.ts';
import { USUAL_FAULT_MS } from './stage.ts';

/** One thing that goes wrong, and what the callers do meanwhile. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly endpoints: number;
  /** What is sent, but for the pace: {@link STEADY} before and after the fault. */
  readonly load: Omit<LoadOrder, 'port' | 'pace'>;
  /** What a proxy is told besides what it is always told. */
  readonly needs: Needs;
  /** How many of the same proxy the requests pass through, one after the other. */
  readonly layers: number;
  /** The endpoints that are bad while the fault lasts, and can tell of what reaches them. */
  readonly bad: readonly number[];
  /** In requests a second, of all endpoints together. */
  readonly capacity: number | null;
  /** How long it is looked at after the fault. */
  readonly afterMs: number;
  /** False where the fault stays. */
  readonly ends: boolean;
  /** Before the load begins. */
  prepare(stage: Stage): Promise<void>;
  /** Makes it bad, and good again. */
  fault(stage: Stage): Promise<void>;
}

/** What a proxy is told in one scenario and not in others. */
export interface Needs {
  /** How much of the endpoints' limit it knows: nothing, that there is one, or how many requests at once each can do. */
  readonly limit: 'none' | 'unknown' | { readonly perEndpoint: number };
  /** Whether a 500 is to be sent again too. */
  readonly retries500: boolean;
}

export const STEADY = { kind: 'steady', perSecond: 300 } as const;

const SMALL = 130;
const LARGE = 100_000;
/** What {@link FaultyMode} `workers` can do: ten at a time, 20 ms each. */
const WORKERS = 10;
const CAPACITY_OF_THREE = 3 * WORKERS * 50;
const GET: Scenario['load'] = { method: 'GET', path: '/work', length: SMALL, hangUpAfterMs: null };
const FIRST = [0];

const PLAIN = {
  endpoints: 3,
  load: GET,
  needs: { limit: 'none', retries500: false },
  layers: 1,
  bad: [],
  capacity: null,
  afterMs: 1_500,
  ends: true,
  prepare: async () => {},
} as const;

export const SCENARIOS: readonly Scenario[] = [
  {
    ...PLAIN,
    name: 'killed',
    title: '1 of 3 killed, and started again',
    prepare: stage => stage.engageUnderstudies(FIRST),
    async fault(stage) {
      await stage.kill(FIRST);
      await stage.wait(USUAL_FAULT_MS);
      await stage.restart(FIRST);
    },
  },
  turned('unavailable', '1 of 3 answers 503 to everything', 'unavailable'),
  turned('flaky', '1 of 3 answers 503 to 30 %', 'flaky'),
  turned('closing', '1 of 3 closes connections at once', 'close'),
  turned('reset-get', '1 of 3 reads GETs and resets the connection', 'reset'),
  {
    ...PLAIN,
    name: 'rolling',
    title: '3 stop and start, one after the other',
    prepare: stage => stage.engageUnderstudies(),
    async fault(stage) {
      for (let i = 0; i < 3; i++) {
        await stage.stop([i]);
        await stage.wait(500);
        await stage.restart([i]);
        await stage.wait(1_000);
      }
    },
  },
  {
    ...PLAIN,
    name: 'dead-of-2',
    title: '1 of 2 killed for good',
    endpoints: 2,
    ends: false,
    async fault(stage) {
      await stage.kill(FIRST);
      await stage.wait(USUAL_FAULT_MS);
    },
  },
  {
    ...PLAIN,
    name: 'bad-2-of-5',
    title: '2 of 5 bad: 503 to everything, and closing at once',
    endpoints: 5,
    bad: [0, 1],
    async fault(stage) {
      await stage.become('unavailable', [0]);
      await stage.become('close', [1]);
      await stage.wait(USUAL_FAULT_MS);
      await stage.become('ok', [0, 1]);
    },
  },
  frozen('frozen', 3),
  frozen('frozen-of-2', 2),
  turned('trickle', '1 of 3 sends a byte of its head per 100 ms', 'trickle'),
  turned('slow', '1 of 3 takes 1 s longer', 'slow'),
  turned('reset-post', '1 of 3 reads POSTs and resets the connection', 'reset', {
    load: { ...GET, method: 'POST' },
  }),
  {
    ...PLAIN,
    name: 'idle',
    title: 'idle connections closed after 1 s, bursts of 120 GETs and 120 POSTs 1 s apart',
    load: { ...GET, method: 'both' },
    afterMs: 200,
    prepare: stage => stage.become('short-idle'),
    async fault(stage) {
      // A second from the end of one to the next: what it used last is closed just as it begins.
      await stage.pace({ kind: 'bursts', size: 240, everyMs: 1_060, withinMs: 60 });
      await stage.wait(2.4 * USUAL_FAULT_MS - 100);
      await stage.pace({ kind: 'steady', perSecond: 0 });
    },
  },
  turned('torn-small', `1 of 3 breaks answers of ${SMALL} bytes off half-way`, 'tear'),
  turned('torn-large', '1 of 3 breaks answers of 100 kB off half-way', 'tear', {
    load: { ...GET, length: LARGE },
  }),
  failing('failing-half', 'all answer 500 to half of the requests', 'half-failing', 1),
  failing('failing-all', 'all answer 500 to everything', 'failing', 1),
  failing('nested-half', 'all answer 500 to half of the requests, below two proxies', 'half-failing', 2),
  failing('nested-all', 'all answer 500 to everything, below two proxies', 'failing', 2),
  {
    ...PLAIN,
    name: 'all-down',
    title: 'all killed, and started again 3 s later',
    prepare: stage => stage.engageUnderstudies(),
    async fault(stage) {
      await stage.kill();
      await stage.wait(0.6 * USUAL_FAULT_MS);
      await stage.restart();
    },
  },
  overload('overload-told', '150 % of the capacity, which is known', { perEndpoint: WORKERS }),
  overload('overload', '150 % of the capacity, which is not known', 'unknown'),
  {
    ...PLAIN,
    name: 'hang-up',
    title: 'callers hang up after 100 ms, of 2 s that answers take',
    load: { ...GET, path: '/long', hangUpAfterMs: 100 },
    afterMs: 2_500,
    async fault(stage) {
      await stage.wait(0.4 * USUAL_FAULT_MS);
      await stage.pace({ kind: 'steady', perSecond: 0 });
    },
  },
];

/** One endpoint does something else for a time. */
function turned(name: string, title: string, mode: FaultyMode, changed: Partial<Scenario> = {}): Scenario {
  return {
    ...PLAIN,
    name,
    title,
    bad: FIRST,
    async fault(stage) {
      await stage.become(mode, FIRST);
      await stage.wait(USUAL_FAULT_MS);
      await stage.become('ok', FIRST);
    },
    ...changed,
  };
}

function frozen(name: string, endpoints: number): Scenario {
  return {
    ...PLAIN,
    name,
    title: `1 of ${endpoints} frozen (SIGSTOP) for 4 s`,
    endpoints,
    bad: FIRST,
    async fault(stage) {
      stage.freeze(0);
      await stage.wait(0.8 * USUAL_FAULT_MS);
      stage.thaw(0);
    },
  };
}

function failing(name: string, title: string, mode: FaultyMode, layers: number): Scenario {
  return {
    ...PLAIN,
    name,
    title,
    layers,
    needs: { limit: 'none', retries500: true },
    async fault(stage) {
      await stage.become(mode);
      await stage.wait(USUAL_FAULT_MS);
      await stage.become('ok');
    },
  };
}

/** The endpoints' workers are busy and their queues grow. */
function overload(name: string, title: string, limit: Needs['limit']): Scenario {
  return {
    ...PLAIN,
    name,
    title,
    needs: { limit, retries500: false },
    capacity: CAPACITY_OF_THREE,
    prepare: stage => stage.become('workers'),
    async fault(stage) {
      await stage.pace({ kind: 'steady', perSecond: 1.5 * CAPACITY_OF_THREE });
      await stage.wait(USUAL_FAULT_MS);
      await stage.pace(STEADY);
    },
  };
}
