import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Misshapen, readJson, UnknownKind } from '../../../control-plane/contract/shape.ts';
import {
  SIDECAR_MESSAGE,
  type SidecarMessage,
  WATCH_MESSAGE,
  type WatchMessage,
} from '../../../control-plane/contract/watch-messages.ts';

const readWatch = (line: string) => readJson(WATCH_MESSAGE, line, 'a line');
const readSidecar = (line: string) => readJson(SIDECAR_MESSAGE, line, 'a line');

const HELLO = {
  type: 'hello',
  sidecar: 's1',
  service: 'orders',
  instance: null,
  version: '1',
  known: null,
  services: ['inventory'],
} satisfies SidecarMessage;

const ENDPOINT = {
  id: 'i1',
  address: '10.0.0.1',
  port: 8080,
  weight: 0,
  zone: null,
  version: '1.2',
  preference: 'last-resort',
} as const;

describe('what a sidecar says', () => {
  test('is read as it is', () => {
    const messages: SidecarMessage[] = [
      HELLO,
      { ...HELLO, known: { epoch: 'e', revision: 3 } },
      { type: 'watch', services: ['a', 'b.c'] },
      { type: 'applied', revision: 0 },
      { type: 'refused', revision: 1, service: 'a', reason: 'x' },
      { type: 'heartbeat' },
    ];
    for (const message of messages) assert.deepEqual(readSidecar(JSON.stringify(message)), message);
  });

  for (const [line, complaint] of [
    ['no json', 'a line is not JSON'],
    ['null', 'a line is not an object'],
    ['[]', 'a line is not an object'],
    ['{}', 'a line has no type'],
    ['{"type":"sync"}', 'a line is of an unknown type: "sync"'],
    ['{"type":"constructor"}', 'a line is of an unknown type: "constructor"'],
    ['{"type":"applied","revision":-1}', 'revision is not a whole number of 0 or more'],
    ['{"type":"applied","revision":1.5}', 'revision is not a whole number of 0 or more'],
    [
      '{"type":"watch","services":["UPPER"]}',
      'services is not a name of lower case letters, digits, dashes and dots, such as inventory',
    ],
    ['{"type":"watch","services":"a"}', 'services is not a list'],
    [JSON.stringify({ ...HELLO, sidecar: '' }), 'sidecar is not text of 1 to 512 characters'],
    [JSON.stringify({ ...HELLO, known: { epoch: 'e' } }), 'revision is not a whole number of 0 or more'],
    [
      JSON.stringify({ type: 'watch', services: Array.from({ length: 3000 }, () => 'a') }),
      'services has more than 2000 items',
    ],
  ] as const) {
    test(`is refused with a reason: ${line.slice(0, 60)}`, () => {
      assert.throws(
        () => readSidecar(line),
        error => error instanceof Misshapen && error.message === complaint,
      );
    });
  }
});

describe('what the control plane says', () => {
  test('is read as it is', () => {
    const state = {
      name: 'inventory',
      exists: true,
      policy: { retry: { attempts: 3 } },
      endpoints: [ENDPOINT],
    };
    const messages: WatchMessage[] = [
      { type: 'hello', epoch: 'e1', revision: 4, heartbeat: 2000 },
      { type: 'sync', revision: 4, services: [state] },
      { type: 'change', revision: 5, service: 'a', exists: false, policy: {}, set: [], remove: ['i1'] },
      { type: 'change', revision: 6, service: 'a', exists: true, policy: null, set: [ENDPOINT], remove: [] },
      { type: 'heartbeat', revision: 6 },
      { type: 'goodbye', reason: 'it stops' },
    ];
    for (const message of messages) assert.deepEqual(readWatch(JSON.stringify(message)), message);
  });

  test('may have more in it than this version knows', () => {
    assert.deepEqual(readWatch('{"type":"heartbeat","revision":1,"mood":"good"}'), {
      type: 'heartbeat',
      revision: 1,
    });
    assert.throws(() => readWatch('{"type":"weather","sun":true}'), UnknownKind);
    const set = [{ ...ENDPOINT, preference: 'after-dark' }];
    const change = { type: 'change', revision: 5, service: 'a', exists: true, policy: null, set, remove: [] };
    const read = readWatch(JSON.stringify(change));
    assert.ok(read.type === 'change');
    assert.equal(read.set[0]?.preference, 'normal');
  });

  for (const [message, complaint] of [
    [{ type: 'heartbeat' }, 'revision is not a whole number of 0 or more'],
    [{ type: 'sync', revision: 1, services: [{}] }, 'name is not text'],
    [
      {
        type: 'change',
        revision: 5,
        service: 'a',
        exists: true,
        policy: null,
        set: [{ ...ENDPOINT, port: 0 }],
        remove: [],
      },
      'port is not a whole number from 1 to 65535',
    ],
    [
      { type: 'change', revision: 5, service: 'a', exists: true, policy: [], set: [], remove: [] },
      'policy is not an object',
    ],
    [
      { type: 'change', revision: 5, service: 'a', exists: 1, policy: null, set: [], remove: [] },
      'exists is neither true nor false',
    ],
  ] as const) {
    test(`is refused with a reason: ${complaint}`, () => {
      assert.throws(
        () => readWatch(JSON.stringify(message)),
        error => error instanceof Misshapen && error.message === complaint,
      );
    });
  }
});
