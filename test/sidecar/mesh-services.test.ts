import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import type { Policy } from '../../control-plane/contract/policy.ts';
import type { PolicyDocument } from '../../control-plane/contract/resources.ts';
import type { ServiceState } from '../../control-plane/contract/watch-messages.ts';
import { ServiceDirectory } from '../../sidecar/discovery/service-directory.ts';
import { MeshServices } from '../../sidecar/mesh-services.ts';
import { HandClock } from './hand-clock.ts';
import { RecordedLog } from './recorded-log.ts';

let clock: HandClock;
let directory: ServiceDirectory;
let services: MeshServices;
let log: RecordedLog;
let isConnected: boolean;
/** The names that were asked for last. */
let watched: readonly string[];
let refused: string[];
/** What upstreams were made, changed and given up, with their `timeouts.total`. */
let upstreams: string[];
let changes: number;

beforeEach(() => {
  clock = new HandClock();
  directory = new ServiceDirectory(() => () => {});
  log = new RecordedLog();
  isConnected = true;
  watched = [];
  refused = [];
  upstreams = [];
  changes = 0;
  services = new MeshServices({
    directory,
    wheel: clock.wheel,
    log: log.log,
    isConnected: () => isConnected,
    watch: names => {
      watched = names;
    },
    refuse: (service, reason) => refused.push(`${service}: ${reason}`),
    onUpstream: ({ name, policy }) => upstreams.push(`${name} ${policy.timeouts.total}`),
    onGone: name => upstreams.push(`-${name}`),
    onChanged: () => changes++,
  });
  directory.begin('e1');
});

let revision = 0;
function say(name: string, more: Partial<ServiceState> = {}): void {
  directory.sync(++revision, [{ name, exists: true, policy: {}, endpoints: [], ...more }]);
}

/** Asks as a request would; counts its answers. */
function ask(name: string, isNamedSo = true) {
  const question = services.ask(name, isNamedSo);
  const asker = { answers: 0, onAnswer: () => void asker.answers++ };
  return { question, asker, hasEntered: question?.enter(asker) ?? false };
}

test('faults that are known from disk are left out until the control plane has said so', () => {
  const faults: boolean[] = [];
  const { directory: restored } = aRestored({ fault: { abort: {} }, timeouts: { total: '1s' } }, policy => {
    faults.push(policy.fault !== null);
    upstreams.push(`${policy.timeouts.total}`);
  });
  assert.deepEqual([faults, upstreams], [[false], ['1000']]);
  assert.equal(restored.isResumable, false);
  restored.begin('e1');
  restored.sync(7, [{ name: 'inventory', exists: true, policy: { fault: { abort: {} } }, endpoints: [] }]);
  assert.deepEqual(faults, [false, true]);
  assert.equal(restored.isResumable, true);
});

/** What a sidecar knows that starts from its snapshot. */
function aRestored(policy: PolicyDocument, onPolicy: (policy: Policy) => void) {
  const restored = new ServiceDirectory(() => () => {});
  new MeshServices({
    directory: restored,
    wheel: clock.wheel,
    log: log.log,
    isConnected: () => false,
    watch: () => {},
    refuse: assert.fail,
    onUpstream: config => onPolicy(config.policy),
    onGone: assert.fail,
    onChanged: () => {},
  });
  const services = [{ name: 'inventory', exists: true, policy, endpoints: [] }];
  restored.restore({ epoch: 'e1', revision: 7, services });
  return { directory: restored };
}

describe('a name', () => {
  test('is asked about once, and all who wait are answered together, behind the change', async () => {
    const [first, second] = [ask('inventory'), ask('inventory')];
    assert.deepEqual(watched, ['inventory']);
    assert.equal(first.question, second.question);
    say('inventory');
    assert.deepEqual([upstreams, first.asker.answers], [['inventory 15000'], 0]);
    await null;
    assert.deepEqual([changes, first.asker.answers, second.asker.answers], [1, 1, 1]);
    assert.equal(services.ask('inventory', true), null);
  });

  test('that is no service is not asked about again, and is one as soon as it is said to be', async () => {
    ask('inventory');
    say('inventory', { exists: false });
    await null;
    assert.equal(services.ask('inventory', true), null);
    assert.deepEqual(watched, ['inventory']);
    assert.deepEqual([upstreams, changes], [[], 0]);
    say('inventory');
    await null;
    say('inventory', { exists: false });
    await null;
    assert.deepEqual([upstreams, changes], [['inventory 15000', '-inventory'], 2]);
  });

  test('that can not be a service is nothing to ask about', () => {
    for (const name of ['10.0.0.1', 'Über', '::1', '']) assert.equal(services.ask(name, true), null, name);
    assert.deepEqual(watched, []);
  });

  test('is waited for 5 s, one of the world outside 2 s, and then no more until there is a new stream', () => {
    const [{ asker }, outside] = [ask('inventory'), ask('example.com', false)];
    clock.advance(1999);
    assert.equal(outside.asker.answers, 0);
    clock.advance(1);
    assert.equal(outside.asker.answers, 1);
    clock.advance(2999);
    assert.equal(asker.answers, 0);
    clock.advance(1);
    assert.equal(asker.answers, 1);
    assert.equal(services.ask('inventory', true), null);
    services.onConnected();
    assert.notEqual(services.ask('inventory', true), null);
  });

  test('is waited for 5 s while the control plane is away, and 5 s more from when it is back', () => {
    isConnected = false;
    const { asker } = ask('inventory');
    clock.advance(4999);
    assert.equal(asker.answers, 0);
    isConnected = true;
    services.onConnected();
    clock.advance(4999);
    assert.equal(asker.answers, 0);
    clock.advance(1);
    assert.equal(asker.answers, 1);
  });

  test('of the world outside is not waited for while the control plane is away', () => {
    isConnected = false;
    assert.equal(services.ask('example.com', false), null);
    assert.notEqual(services.ask('inventory', true), null);
    assert.deepEqual(watched, ['example.com', 'inventory']);
  });

  test('is one of 256 that are remembered, and one of 128 that are asked about', async () => {
    for (let i = 0; i < 300; i++) {
      ask(`host-${i}.example.com`);
      say(`host-${i}.example.com`, { exists: false });
      await null;
    }
    assert.equal(watched.length, 256);
    assert.deepEqual([watched[0], watched.at(-1)], ['host-44.example.com', 'host-299.example.com']);
    assert.equal(directory.get('host-0.example.com'), undefined);
    const answers = Array.from({ length: 200 }, (_, i) => services.ask(`new-${i}.example.com`, true));
    assert.equal(answers.filter(question => question !== null).length, 128);
    assert.equal(watched.length, 256);
  });

  test('has room for 128 who wait', () => {
    for (let i = 0; i < 128; i++) assert.equal(ask('inventory').hasEntered, true);
    assert.equal(ask('inventory').hasEntered, false);
  });
});

describe('a declared service', () => {
  test('has an upstream before anything is known of it, and whether it exists or not', async () => {
    services.declare(['inventory', 'payments'], ['payments']);
    assert.deepEqual(watched, ['inventory']);
    assert.deepEqual([...services.configs().keys()], ['inventory']);
    say('inventory', { exists: false });
    assert.deepEqual(upstreams, ['inventory 15000']);
  });

  test('that does not exist is forgotten once it is declared no more', async () => {
    services.declare(['inventory', 'payments'], []);
    say('inventory', { exists: false });
    say('payments');
    services.declare([], []);
    assert.deepEqual(watched, ['payments']);
    // What was on its way is forgotten as well.
    say('inventory', { exists: false });
    await null;
    assert.equal(directory.get('inventory'), undefined);
    directory.begin('e2');
    say('payments');
    assert.equal(directory.isWhole, true);
  });

  test('that a request asks about is still answered when it is declared no more', async () => {
    services.declare(['inventory'], []);
    const { asker } = ask('inventory');
    services.declare([], []);
    assert.deepEqual(watched, ['inventory']);
    say('inventory', { exists: false });
    await null;
    assert.equal(asker.answers, 1);
  });

  test('that comes into being just when it is declared no more is watched on', async () => {
    services.declare(['inventory'], []);
    services.declare([], []);
    assert.deepEqual(watched, []);
    say('inventory');
    await null;
    assert.deepEqual(watched, ['inventory']);
  });
});

describe('a policy', () => {
  test('is that of the control plane', () => {
    services.declare(['inventory'], []);
    say('inventory', { policy: { timeouts: { total: '3s' } } });
    assert.deepEqual(upstreams, ['inventory 3000']);
    assert.equal(services.configs().get('inventory')?.policy.timeouts.total, 3000);
  });

  test('that can not be read is refused, and the one before stays', () => {
    services.declare(['inventory'], []);
    say('inventory', { policy: { timeouts: { total: '3s' } } });
    say('inventory', { policy: { timeouts: { total: 'soon' } } });
    assert.deepEqual(upstreams, ['inventory 3000', 'inventory 3000']);
    assert.equal(refused.length, 1);
    assert.match(refused[0]!, /^inventory: .*timeouts\.total/);
    assert.match(log.lines[0]!, /^the policy of inventory is refused, the one before stays in force/);
  });

  test('of a service that the file has itself is of no interest', () => {
    services.declare([], ['inventory']);
    say('inventory', { policy: { timeouts: { total: '3s' } } });
    assert.deepEqual(upstreams, []);
    assert.equal(services.configs().size, 0);
  });
});
