import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { FaultReport } from '../../sidecar/fault-report.ts';
import { FaultInjector } from '../../sidecar/policy/fault.ts';
import { HandClock } from './hand-clock.ts';
import { policyOf } from './policies.ts';
import { RecordedLog } from './recorded-log.ts';

let clock: HandClock;
let log: RecordedLog;
let memory: { fault: FaultInjector | null; isFaultRefused: boolean };
let report: FaultReport;
beforeEach(() => {
  clock = new HandClock();
  log = new RecordedLog();
  memory = { fault: null, isFaultRefused: false };
  report = new FaultReport('inventory', memory, clock.wheel, log.log);
});

function anInjector(ttl: string): FaultInjector {
  return new FaultInjector(policyOf(`fault: { abort: {}, ttl: ${ttl} }`).fault!, clock.now);
}

test('says when faults begin and when their time is over, once each', () => {
  report.update();
  memory.fault = anInjector('10s');
  report.update();
  report.update();
  clock.advance(9_999);
  assert.deepEqual(log.lines, ['requests for inventory are disturbed on purpose (fault) for 10s']);
  clock.advance(1);
  report.update();
  memory.fault = null;
  report.update();
  assert.deepEqual(log.lines.slice(1), [
    'requests for inventory are disturbed no more: their time is over (fault.ttl)',
  ]);
});

test('says so where they are taken out of the policy, or begin anew', () => {
  memory.fault = anInjector('10s');
  report.update();
  memory.fault.configure(policyOf('fault: { abort: {}, ttl: 1m }').fault!, clock.now);
  report.update();
  memory.fault = null;
  report.update();
  clock.advance(60_000);
  assert.deepEqual(log.lines, [
    'requests for inventory are disturbed on purpose (fault) for 10s',
    'requests for inventory are disturbed on purpose (fault) for 1m',
    'requests for inventory are disturbed no more: they are not in the policy any more',
  ]);
});

test('says once that they are refused', () => {
  memory.isFaultRefused = true;
  report.update();
  report.update();
  assert.deepEqual(log.lines, [
    'the policy of inventory asks for faults, which this sidecar refuses (faults: refuse): the rest of it is in force',
  ]);
});

test('says nothing after it was stopped', () => {
  memory.fault = anInjector('10s');
  report.update();
  report.stop();
  clock.advance(20_000);
  assert.equal(log.lines.length, 1);
});
