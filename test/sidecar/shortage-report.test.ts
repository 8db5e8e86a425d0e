import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { ShortageReport } from '../../sidecar/shortage-report.ts';
import { DownstreamCounters } from '../../sidecar/telemetry/counters.ts';
import { HandClock } from './hand-clock.ts';
import { RecordedLog } from './recorded-log.ts';

let clock: HandClock;
let log: RecordedLog;
let counters: DownstreamCounters;
let report: ShortageReport;
beforeEach(() => {
  clock = new HandClock();
  log = new RecordedLog();
  counters = new DownstreamCounters();
  report = new ShortageReport({ log: log.log, now: () => clock.now, counters, connections: () => 10 });
});

test('tells of connections that are refused once in a while, and by which limit', () => {
  for (let i = 0; i < 3; i++) report.onRefusedConnection();
  assert.deepEqual(log.lines, [
    'applications have 10 connections open (downstream.connections): further ones are closed at once',
  ]);
  clock.advance(10_000);
  report.onRefusedConnection();
  assert.equal(log.lines.length, 2);
});

test('tells of descriptors that run out once in a while, and counts what could not be accepted', () => {
  for (const what of ['accept', 'connect', 'accept'] as const) report.onShortage(what);
  assert.equal(log.lines.length, 1);
  assert.match(log.lines[0], /^file descriptors run out, the limit is /);
  assert.equal(counters.connectionsRefused, 2);
});

test('tells of each stall', () => {
  report.onStall(1234.5);
  report.onStall(700);
  assert.equal(log.lines.length, 2);
  assert.match(log.lines[0], /^the sidecar stood still for 1235 ms: /);
});
