import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MISSING_MS, MissingCallers } from '../../../control-plane/watch/missing-callers.ts';
import { WatchStream } from '../../../control-plane/watch/watch-stream.ts';
import { Reader } from './hubs.ts';

function streamOf(sidecar: string, ...services: string[]): WatchStream {
  const peer = { sidecar, service: null, instance: null, version: '1' };
  const stream = new WatchStream(peer, new Reader(), '', 0);
  stream.services = new Set(services);
  return stream;
}

test('remembers who was cut off, by the services that he calls, until he is back or was away for long', () => {
  const missing = new MissingCallers();
  const [one, two] = [streamOf('s1', 'a', 'b'), streamOf('s2', 'b')];
  missing.add(one, 0);
  missing.add(two, 10);
  assert.deepEqual(missing.of('a', 20), [one]);
  assert.deepEqual(missing.of('b', 20), [one, two]);
  assert.deepEqual(missing.of('b', MISSING_MS), [two]);
  missing.returned('s2');
  assert.deepEqual(missing.of('b', MISSING_MS), []);
});

test('counts from the last time that he was cut off', () => {
  const missing = new MissingCallers();
  const again = streamOf('s1', 'a');
  missing.add(streamOf('s1', 'a'), 0);
  missing.add(streamOf('s2', 'b'), 5);
  missing.add(again, 10);
  assert.deepEqual(missing.of('b', MISSING_MS + 5), []);
  assert.deepEqual(missing.of('a', MISSING_MS + 9), [again]);
});

test('knows nothing of those who only listen', () => {
  const missing = new MissingCallers();
  const listener = new WatchStream(null, new Reader(), '', 0);
  listener.services = new Set(['a']);
  missing.add(listener, 0);
  assert.deepEqual(missing.of('a', 0), []);
});
