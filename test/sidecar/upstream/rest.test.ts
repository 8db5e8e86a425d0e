import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import { Rest, type Resting } from '../../../sidecar/upstream/rest.ts';

let rested: Resting[];
let isWaitedFor: boolean;
let turns: (() => void)[];
let rest: Rest<Resting>;
beforeEach(() => {
  rested = [];
  isWaitedFor = false;
  turns = [];
  const owner = {
    isWaitedFor: () => isWaitedFor,
    onRested: (connection: Resting) => void rested.push(connection),
  };
  rest = new Rest(owner, run => turns.push(run));
});

function add(): Resting {
  const connection = { isResting: false, turnsRested: 0 };
  rest.add(connection);
  return connection;
}

function endTurn(): void {
  for (const run of turns.splice(0)) run();
}

test('a connection has rested when the turn is over', () => {
  const connection = add();
  assert.deepEqual([rest.length, rested.length, connection.isResting], [1, 0, true]);
  endTurn();
  assert.deepEqual(rested, [connection]);
  assert.deepEqual([rest.length, connection.isResting, turns.length], [0, false, 0]);
});

test('several do so in the order in which they came, and for one look at the turn', () => {
  const all = [add(), add(), add()];
  assert.equal(turns.length, 1);
  endTurn();
  assert.deepEqual(rested, all);
});

test('one that somebody waits for rests for one more turn, and no longer', () => {
  isWaitedFor = true;
  const first = add();
  endTurn();
  assert.equal(rested.length, 0);
  const second = add();
  endTurn();
  assert.deepEqual(rested, [first]);
  endTurn();
  assert.deepEqual(rested, [first, second]);
  assert.equal(turns.length, 0);
});

test('one that is closed meanwhile is not told of', () => {
  const [closed, open] = [add(), add()];
  closed.isResting = false;
  endTurn();
  assert.deepEqual(rested, [open]);
});
