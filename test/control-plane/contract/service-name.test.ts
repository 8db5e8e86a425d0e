import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isServiceName, SERVICE_NAME_FORM } from '../../../control-plane/contract/service-name.ts';

for (const name of [
  'inventory',
  'a',
  'order-service',
  'inventory-2',
  '3scale',
  'api.example.com',
  'a'.repeat(63),
]) {
  test(`takes ${name}`, () => assert.ok(isServiceName(name)));
}

for (const name of [
  '',
  'Inventory',
  'order_service',
  '-a',
  'a-',
  'a.',
  '.a',
  'a..b',
  'a b',
  '123',
  '127.0.0.1',
  'inventory.mesh',
  'a'.repeat(64),
  `${'a.'.repeat(127)}a`,
  'é',
]) {
  test(`refuses ${JSON.stringify(name)}`, () => assert.ok(!isServiceName(name)));
}

for (const [name, guess] of [
  ['Inventory', 'inventory'],
  ['orderService', 'order-service'],
  ['order_service', 'order-service'],
  ['inventory.mesh', 'inventory'],
  ['???', null],
] as const) {
  test(`guesses ${guess} from ${name}`, () => assert.equal(SERVICE_NAME_FORM.guess?.(name), guess));
}
