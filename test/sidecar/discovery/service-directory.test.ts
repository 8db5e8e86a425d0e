import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { EndpointResource } from '../../../control-plane/contract/resources.ts';
import type { ServiceState } from '../../../control-plane/contract/watch-messages.ts';
import { ControlPlaneSource } from '../../../sidecar/discovery/control-plane-source.ts';
import { ServiceDirectory } from '../../../sidecar/discovery/service-directory.ts';

let directory: ServiceDirectory;
/** What is to be done later. */
let planned: { task: () => void; delayMs: number }[];
/** What a source of inventory's endpoints was told. */
let said: string[];
let news: string[];

beforeEach(() => {
  planned = [];
  said = [];
  news = [];
  directory = new ServiceDirectory((task, delayMs) => {
    const plan = { task, delayMs };
    planned.push(plan);
    return () => {
      planned = planned.filter(other => other !== plan);
    };
  });
  directory.onNews = ({ name, exists, policy }) => news.push(`${name} ${exists} ${JSON.stringify(policy)}`);
  new ControlPlaneSource(directory, 'inventory', () => null).start({
    onEndpoints: all =>
      said.push(`all: ${all.map(({ id, isLastResort }) => id + (isLastResort ? '?' : '')).join(' ')}`),
    onChange: (set, removed) => said.push(`+${set.map(({ id }) => id)} -${removed}`),
    onProblem: assert.fail,
  });
});

function anEndpoint(id: string, more: Partial<EndpointResource> = {}): EndpointResource {
  const port = 8000 + id.charCodeAt(0);
  return {
    id,
    address: '10.0.0.1',
    port,
    weight: 1,
    zone: null,
    version: null,
    preference: 'normal',
    ...more,
  };
}

function aService(ids: string, more: Partial<ServiceState> = {}): ServiceState {
  return {
    name: 'inventory',
    exists: true,
    policy: {},
    endpoints: [...ids].map(id => anEndpoint(id)),
    ...more,
  };
}

function change(revision: number, set: string, remove: string, more: object = {}): void {
  directory.change({
    type: 'change',
    revision,
    service: 'inventory',
    exists: true,
    policy: null,
    set: [...set].map(id => anEndpoint(id)),
    remove: [...remove],
    ...more,
  });
}

describe('what the control plane says', () => {
  test('is taken over: the whole, then what changes', () => {
    directory.begin('e1');
    directory.sync(5, [aService('ab')]);
    change(6, 'c', 'a');
    change(9, '', 'b');
    assert.deepEqual(said, ['all: a b', '+c -a', '+ -b']);
    assert.deepEqual([directory.revision, [...directory.get('inventory')!.endpoints.keys()]], [9, ['c']]);
  });

  test('is not taken twice: a change that the whole had in it already', () => {
    directory.begin('e1');
    directory.sync(5, [aService('a')]);
    change(5, '', 'a');
    assert.deepEqual(said, ['all: a']);
  });

  test('of services that nobody asked for is passed over', () => {
    directory.begin('e1');
    change(3, 'a', '');
    assert.deepEqual([said, news], [[], []]);
    assert.equal(directory.get('inventory'), undefined);
  });

  test('is news where the policy is another, or the service comes and goes', () => {
    directory.begin('e1');
    directory.sync(1, [aService('', { exists: false })]);
    change(2, 'a', '');
    change(3, '', '', { policy: { balancer: 'random' } });
    change(4, 'b', '');
    change(5, '', '', { exists: false, policy: {} });
    assert.deepEqual(news, [
      'inventory false {}',
      'inventory true {}',
      'inventory true {"balancer":"random"}',
      'inventory false {}',
    ]);
  });

  test('is told to whoever listens later', () => {
    directory.begin('e1');
    directory.sync(1, [aService('a')]);
    said = [];
    const source = new ControlPlaneSource(directory, 'inventory', () => null);
    source.start({
      onEndpoints: all => said.push(all.length.toString()),
      onChange: assert.fail,
      onProblem: assert.fail,
    });
    source.stop();
    change(2, 'b', '');
    assert.deepEqual(said, ['1']);
  });
});

describe('another history', () => {
  beforeEach(() => {
    directory.begin('e1');
    directory.sync(7, [aService('abc', { policy: { balancer: 'random' } })]);
    directory.begin('e2');
    said = [];
    news = [];
  });

  test('changes nothing until it is told', () => {
    assert.equal(directory.get('inventory')!.endpoints.size, 3);
    assert.deepEqual([directory.isWhole, directory.state()], [false, null]);
    directory.sync(1, [aService('abc')]);
    assert.equal(directory.isWhole, true);
  });

  test('that does not name an endpoint leaves it as the last resort for a while', () => {
    directory.sync(1, [aService('a')]);
    assert.deepEqual(said, ['all: a b? c?']);
    change(2, 'b', '');
    assert.deepEqual(
      planned.map(({ delayMs }) => delayMs),
      [10_000],
    );
    planned[0]!.task();
    assert.deepEqual(said.slice(1), ['+b -', '+ -c']);
    assert.deepEqual([...directory.get('inventory')!.endpoints.keys()], ['a', 'b']);
  });

  test('that gives an address to another does not leave it to the one before', () => {
    const taker = anEndpoint('x', { port: anEndpoint('a').port });
    directory.sync(1, [aService('', { endpoints: [taker] })]);
    assert.deepEqual(said, ['all: x b? c?']);
    const second = anEndpoint('y', { port: anEndpoint('b').port });
    change(2, '', '', { set: [second] });
    assert.deepEqual(said.slice(1), ['+y -b']);
  });

  test('that has lost the service as well does not make it a stranger at once', () => {
    directory.sync(0, [aService('', { exists: false })]);
    assert.deepEqual([said, news], [['all: a? b? c?'], []]);
    planned[0]!.task();
    assert.deepEqual([said[1], news], ['+ -a,b,c', ['inventory false {"balancer":"random"}']]);
  });

  test('is the only reason to keep what is not named: the same one is taken at its word', () => {
    directory.sync(1, [aService('a')]);
    planned[0]!.task();
    directory.sync(2, [aService('')]);
    assert.equal(said.at(-1), 'all: ');
  });
});

describe('what the control plane has from its disk alone', () => {
  const unconfirmed = (id: string, more: Partial<EndpointResource> = {}) =>
    anEndpoint(id, { preference: 'unconfirmed', ...more });

  beforeEach(() => {
    directory.begin('e1');
    directory.sync(5, [aService('abc'), { ...aService('x'), name: 'payments' }]);
    change(6, '', 'a');
    directory.begin('e2');
    said = [];
  });

  test('does not bring back what was seen to leave, until it is heard of', () => {
    directory.sync(1, [aService('', { endpoints: ['a', 'b', 'c'].map(id => unconfirmed(id)) })]);
    assert.deepEqual(said, ['all: b c']);
    change(2, '', '', { set: [anEndpoint('a', { preference: 'last-resort' })] });
    assert.equal(said.length, 1);
    change(3, 'a', '');
    assert.deepEqual(said.slice(1), ['+a -']);
  });

  test('is the last resort where it is not known here, until it is heard of', () => {
    const endpoints = [unconfirmed('b'), unconfirmed('c', { port: 1 }), unconfirmed('d')];
    directory.sync(1, [aService('', { endpoints })]);
    assert.deepEqual(said, ['all: b c? d?']);
    change(2, 'd', '');
    assert.equal(directory.get('inventory')!.endpoints.get('d')!.preference, 'normal');
  });

  test("is not used where its address is known to be another service's", () => {
    const heir = unconfirmed('y', { port: anEndpoint('x').port });
    directory.sync(1, [aService('', { endpoints: [heir] }), { ...aService(''), name: 'payments' }]);
    assert.deepEqual(said, ['all: b? c?']);
    change(2, '', '', { set: [{ ...heir, weight: 2 }] });
    assert.deepEqual(said.slice(1), []);
    change(3, '', '', { set: [{ ...heir, preference: 'normal' }] });
    assert.deepEqual(said.slice(1), ['+y -']);
  });
});

test('what was kept is taken up again, without services that do not exist', () => {
  directory.begin('e1');
  directory.sync(7, [aService('ab'), { ...aService('', { exists: false }), name: 'stranger' }]);
  const state = directory.state()!;
  assert.deepEqual(
    state.services.map(({ name }) => name),
    ['inventory'],
  );
  const second = new ServiceDirectory(assert.fail);
  second.restore(state);
  assert.deepEqual([second.epoch, second.revision, second.get('inventory')!.isFromSnapshot], ['e1', 7, true]);
  second.begin('e1');
  second.sync(7, [aService('ab')]);
  assert.equal(second.get('inventory')!.isFromSnapshot, false);
});
