import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { createConnection } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { AnswerExpectation, Case, ClientStep, Outcome } from './case.ts';
import { answerProblems, requestProblems } from './expectation.ts';
import type { Lane } from './lane.ts';
import { Peer, until } from './peer.ts';
import { type Pieces, whole } from './pieces.ts';
import type { Arrival, UpstreamConnection } from './scripted-upstream.ts';
import { type Message, readAnswer, show, statusOf, WireError } from './wire.ts';

/** How long nothing further may happen after it. */
const SETTLE_MS = 12;

/**
 * Runs one case in a lane of its own, and afterwards sends a request through the same sidecar (on the same connection
 * where it stays open) that must be answered with its own answer: whatever the case left behind would get into its way.
 * @throws an assertion error that shows what went over both connections
 */
export async function runCase(row: Case, lane: Lane, pieces: Pieces): Promise<void> {
  lane.up.begin(row.upstream, row.together ? whole : pieces);
  lane.other.begin([], pieces);
  const client = await connect(lane.sidecar.port);
  const play = playClient(row.client, client, lane, pieces);
  const run = new Run(row, lane, client);
  try {
    await until(
      () => run.holding() !== null,
      () => run.bytesSeen(),
    );
    await play;
    await sleep(SETTLE_MS);
    const held = run.holding();
    if (held === null) assert.fail(run.report());
    await sendCanary(run, held);
  } finally {
    await Promise.all([client.close(), lane.up.quiesce(), lane.other.quiesce()]);
  }
}

async function connect(port: number): Promise<Peer> {
  const socket = createConnection({ port, host: '127.0.0.1', allowHalfOpen: true });
  await once(socket, 'connect');
  return new Peer(socket);
}

async function playClient(
  steps: readonly ClientStep[],
  client: Peer,
  lane: Lane,
  pieces: Pieces,
): Promise<void> {
  for (const step of steps) {
    if (typeof step === 'string') await client.send(step, pieces);
    else if (step.do === 'pause') await sleep(step.n);
    else if (step.do === 'answers') await until(() => countHeads(client.received) >= step.n);
    else if (step.do === 'reached') await until(() => lane.up.arrivals.length >= step.n);
    else if (step.do === 'hear') await until(() => client.received.includes(step.bytes));
    else if (step.do === 'end') client.end();
    else if (step.do === 'ended') await until(() => client.ended);
    else if (step.do === 'reset') client.reset();
  }
}

/** Rough, but enough to wait for. */
function countHeads(received: string): number {
  return received.split(/HTTP\/1\.1 [0-9]{3} [^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n/).length - 1;
}

/** What has happened so far, held against the outcomes that the case allows. */
class Run {
  readonly row: Case;
  readonly lane: Lane;
  readonly client: Peer;

  constructor(row: Case, lane: Lane, client: Peer) {
    this.row = row;
    this.lane = lane;
    this.client = client;
  }

  /** The first outcome that holds right now. */
  holding(): Outcome | null {
    return this.row.outcomes.find(outcome => this.problems(outcome).length === 0) ?? null;
  }

  /** Changes while anything arrives anywhere. */
  bytesSeen(): number {
    return this.connections().reduce(
      (sum, { peer }) => sum + peer.received.length,
      this.client.received.length,
    );
  }

  report(): string {
    const reasons = this.row.outcomes.map((outcome, i) => {
      const which = this.row.outcomes.length > 1 ? `outcome ${i + 1}: ` : '';
      return this.problems(outcome).map(problem => `  ${which}${problem}`);
    });
    const sent = this.row.client.map(step => (typeof step === 'string' ? show(step) : JSON.stringify(step)));
    const seen = this.connections().map((connection, i) => {
      const state = connection.peer.ended ? 'closed' : 'open';
      return `upstream connection ${i + 1} received ${show(connection.peer.received)} (${state})`;
    });
    return [
      `${this.row.name} (RFC ${this.row.rfc})`,
      ...reasons.flat(),
      `client sent ${sent.join(' ')}`,
      `client saw ${show(this.client.received)} (${this.client.ended ? 'closed' : 'open'})`,
      ...(seen.length > 0 ? seen : ['no upstream connection']),
    ].join('\n');
  }

  private problems(outcome: Outcome): string[] {
    return [...this.requestsProblems(outcome), ...this.answersProblems(outcome)];
  }

  requestsProblems(outcome: Outcome): string[] {
    const problems: string[] = [];
    const complete = (arrivals: readonly Arrival[]) => arrivals.filter(arrival => arrival.message.complete);
    for (const [name, upstream] of [
      ['up', this.lane.up],
      ['other', this.lane.other],
    ] as const) {
      const arrived = complete(upstream.arrivals);
      const expected = outcome.reaches.filter(request => (request.at ?? 'up') === name);
      if (arrived.length !== expected.length) {
        const lines = arrived.map(arrival => show(arrival.message.startLine)).join(', ');
        problems.push(`${arrived.length} requests reached ${name} instead of ${expected.length}: ${lines}`);
      } else {
        for (const [i, { message }] of arrived.entries())
          problems.push(...requestProblems(message, expected[i]));
      }
    }
    for (const connection of this.connections()) {
      if (connection.problem !== null)
        problems.push(`the upstream was sent bytes that are not HTTP: ${connection.problem}`);
      if (connection.unfinished === '') continue;
      if (!outcome.unfinished) problems.push(`the upstream was sent ${show(connection.unfinished)}`);
      else if (!connection.peer.ended)
        problems.push('the unfinished request to the upstream was not given up');
    }
    const first = this.connections()[0];
    if (outcome.upstreamThen === 'closed' && first !== undefined && !first.peer.ended) {
      problems.push('the connection to the upstream was not closed');
    }
    if (outcome.upstreamThen === 'reused' && first?.peer.ended === true) {
      problems.push('the connection to the upstream was closed');
    }
    return problems;
  }

  private answersProblems(outcome: Outcome): string[] {
    const problems: string[] = [];
    let rest = this.client.received;
    try {
      for (const expected of outcome.sees) {
        const answer = readAnswer(rest, contextOf(expected, this.client.ended));
        if (answer === null) {
          problems.push(`an answer ${JSON.stringify(expected.status)} is missing`);
          break;
        }
        problems.push(...answerProblems(answer, expected));
        rest = rest.slice(answer.length);
      }
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      problems.push(`the client was sent bytes that are not HTTP: ${error.message}`);
      rest = '';
    }
    if (rest !== '' && outcome.then !== 'tunnel') problems.push(`the client was sent ${show(rest)} beside`);
    if (outcome.then === 'closed' && !this.client.ended)
      problems.push('the connection of the client stays open');
    if (outcome.then === 'open' && this.client.ended)
      problems.push('the connection of the client was closed');
    return problems;
  }

  connections(): UpstreamConnection[] {
    return [...this.lane.up.connections, ...this.lane.other.connections];
  }
}

function contextOf(expected: AnswerExpectation, ended: boolean) {
  return { toHead: expected.to === 'HEAD', toConnect: expected.to === 'CONNECT', ended };
}

let canaries = 0;

async function sendCanary(run: Run, outcome: Outcome): Promise<void> {
  const target = `/canary-${++canaries}`;
  const stays = outcome.then === 'open' || (outcome.then === 'either' && !run.client.ended);
  const client = stays ? run.client : await connect(run.lane.sidecar.port);
  const from = client.received.length;
  const read = (): Message | null => {
    return readAnswer(client.received.slice(from), { toHead: false, toConnect: false, ended: client.ended });
  };
  try {
    await client.send(`GET ${target} HTTP/1.1\r\nHost: up\r\n\r\n`);
    await until(
      () => read()?.complete === true || client.ended,
      () => client.received.length + run.bytesSeen(),
    );
    const answer = read();
    const said = `the request after it was answered with ${show(client.received.slice(from))}`;
    const good = answer?.complete && statusOf(answer) === 200 && answer.body === `GET ${target}`;
    if (!good) assert.fail(`${said}\n${run.report()}`);
    const [arrival] = run.lane.up.canaries;
    assert.equal(run.lane.up.canaries.length, 1, run.report());
    if (outcome.upstreamThen === 'reused') {
      assert.ok(
        arrival.connection === run.connections()[0],
        `the connection to the upstream was not reused\n${run.report()}`,
      );
    }
    // Whatever the case left behind in the sidecar would have come by now.
    assert.deepEqual(run.requestsProblems(outcome), [], run.report());
  } finally {
    if (client !== run.client) await client.close();
  }
}
