import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { Endpoint } from '../../../sidecar/upstream/endpoint.ts';
import { pauseAfter, Search } from '../../../sidecar/upstream/search.ts';
import { closedPort } from '../../e2e/harness/closed-port.ts';
import { HandClock } from '../hand-clock.ts';
import { until } from '../until.ts';
import { aSpec } from '../upstream-sets.ts';
import { ScriptedEndpoint } from './scripted-endpoint.ts';

let there: ScriptedEndpoint;
let clock: HandClock;
let endpoints: Endpoint[];
let found: number;
let search: Search;
beforeEach(async () => {
  there = await ScriptedEndpoint.start();
  clock = new HandClock();
  endpoints = [];
  found = 0;
  search = new Search({
    name: 'inventory',
    endpoints: () => endpoints,
    wheel: clock.wheel,
    connectTimeout: () => 1000,
    isOwnPort: () => false,
    random: () => 0,
    onFound: () => found++,
  });
});
afterEach(async () => {
  search.end();
  await there.close();
});

const aRefusing = async (): Promise<Endpoint> => new Endpoint(aSpec(await closedPort()));
const isLost = (endpoint: Endpoint) => until(() => endpoint.lost !== null, 'the refusal');

describe('the pause', () => {
  test('doubles up to 50 ms, less up to a half at random', () => {
    assert.deepEqual(
      [0, 1, 2, 90].map(rounds => pauseAfter(rounds, 0)),
      [25, 50, 50, 50],
    );
    assert.equal(pauseAfter(0, 0.999) > 12, true);
    assert.equal(pauseAfter(90, 0.5), 37.5);
  });
});

describe('a search', () => {
  test('finds an endpoint that can be connected to, and keeps no connection to it', async () => {
    endpoints = [await aRefusing(), there.endpoint];
    search.begin();
    search.begin();
    assert.deepEqual(
      endpoints.map(({ lost }) => lost),
      [null, null],
    );
    clock.advance(25);
    await until(() => found > 0, 'an endpoint');
    assert.equal(endpoints[0].lost?.kind, 'connect-failure');
    assert.equal(there.endpoint.wasReached, true);
    await (await there.accepted(0)).over();
    clock.advance(1000);
    assert.deepEqual([found, there.connections.length], [1, 1]);
  });

  test('begins again after a pause where it found none', async () => {
    const refusing = await aRefusing();
    endpoints = [refusing];
    search.begin();
    clock.advance(25);
    await isLost(refusing);
    // It has looked at all; what is there now is found in the next round.
    endpoints = [there.endpoint];
    clock.advance(49);
    assert.equal(there.endpoint.wasReached, false);
    clock.advance(1);
    await until(() => found > 0, 'an endpoint');
  });

  test('leaves out what takes no requests', async () => {
    there.endpoint.weight = 0;
    const refusing = await aRefusing();
    endpoints = [there.endpoint, refusing];
    search.begin();
    clock.advance(25);
    await isLost(refusing);
    assert.equal(there.endpoint.wasReached, false);
  });

  test('that has ended tells nothing more, and can begin anew', async () => {
    endpoints = [there.endpoint];
    search.begin();
    clock.advance(25);
    search.end();
    clock.advance(1000);
    search.end();
    search.begin();
    clock.advance(25);
    await until(() => found > 0, 'an endpoint');
    assert.equal(found, 1);
  });

  test('goes on where there is none at all, until there is one', async () => {
    search.begin();
    clock.advance(500);
    endpoints = [there.endpoint];
    clock.advance(250);
    await until(() => found > 0, 'an endpoint');
  });
});
