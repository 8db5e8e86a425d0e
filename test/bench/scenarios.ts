import type { Pace, RequestKind } from './load-plan.ts';

/** One thing that every proxy is asked to do. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly kind: 'load' | 'start';
  readonly pace: Pace;
  readonly connections: number;
  readonly request: RequestKind;
}

const CLOSED: Pace = { kind: 'closed' };

export const SCENARIOS: readonly Scenario[] = [
  load('small-get', 'GET, 130 bytes of JSON, 64 connections', CLOSED, 64, 'small'),
  load('post-4k', 'POST of 4 KiB, 64 connections', CLOSED, 64, 'post'),
  load('get-64k', 'GET, 64 KiB, 64 connections', CLOSED, 64, '64k'),
  load('get-1m', 'GET, 1 MiB, 16 connections', CLOSED, 16, '1m'),
  load('connections-1000', 'GET, 130 bytes of JSON, 1,000 connections', CLOSED, 1000, 'small'),
  load(
    'new-connection',
    'GET, 130 bytes of JSON, a new connection per request, 64 at a time',
    { kind: 'fresh' },
    64,
    'small',
  ),
  load(
    'fixed-rate',
    'GET, 130 bytes of JSON, 10,000 requests/s over 64 connections',
    { kind: 'fixed', perSecond: 10_000 },
    64,
    'small',
  ),
  {
    name: 'start',
    title: 'from the start of the process to the first answer',
    kind: 'start',
    pace: CLOSED,
    connections: 0,
    request: 'small',
  },
];

function load(name: string, title: string, pace: Pace, connections: number, request: RequestKind): Scenario {
  return { name, title, kind: 'load', pace, connections, request };
}
