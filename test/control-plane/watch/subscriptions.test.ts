import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Subscriptions } from '../../../control-plane/watch/subscriptions.ts';

test('knows who watches a service, once each', () => {
  const subscriptions = new Subscriptions<string>();
  for (const watcher of ['a', 'b', 'a']) subscriptions.add('inventory', watcher);
  subscriptions.add('orders', 'c');
  assert.deepEqual(subscriptions.of('inventory'), ['a', 'b']);
  assert.deepEqual(subscriptions.of('payments'), []);
});

test('forgets a service with the last one who watches it', () => {
  const subscriptions = new Subscriptions<string>();
  subscriptions.add('inventory', 'a');
  subscriptions.add('inventory', 'b');
  subscriptions.remove('inventory', 'a');
  subscriptions.remove('inventory', 'stranger');
  subscriptions.remove('payments', 'a');
  assert.equal(subscriptions.size, 1);
  subscriptions.remove('inventory', 'b');
  assert.equal(subscriptions.size, 0);
});

test('tells of those who watched when it was asked, whoever goes meanwhile', () => {
  const subscriptions = new Subscriptions<string>();
  for (const watcher of ['a', 'b']) subscriptions.add('inventory', watcher);
  const heard: string[] = [];
  for (const watcher of subscriptions.of('inventory')) {
    subscriptions.remove('inventory', 'b');
    heard.push(watcher);
  }
  assert.deepEqual(heard, ['a', 'b']);
});
