import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EmbeddedStore } from '../../../control-plane/store/embedded-store.ts';

/** Side by side, since most of the time is spent waiting for the disk. */
const LANES = 5;
const KILLS_PER_LANE = 10;
const WRITER = fileURLToPath(new URL('crash-writer.ts', import.meta.url));

test('whatever was acknowledged is there after kill -9, fifty times under write load', async () => {
  const lanes = await Promise.allSettled(Array.from({ length: LANES }, (_, lane) => killRepeatedly(lane)));
  for (const lane of lanes) if (lane.status === 'rejected') throw lane.reason;
});

async function killRepeatedly(lane: number): Promise<void> {
  const directory = await mkdtemp(join(tmpdir(), 'outrider-crash-'));
  const known = new Known();
  try {
    for (let kill = 0; kill < KILLS_PER_LANE; kill++) {
      const args = ['--import', 'tsx', WRITER, directory, String(known.next)];
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
      // After so many acknowledgements; under load, that is at any moment of a commit.
      await runUntilKilled(child, 3 + ((lane * 11 + kill * 7) % 60), known);
      known.compare(await readStore(directory));
    }
  } finally {
    await rm(directory, { recursive: true });
  }
  assert.ok(known.acknowledgements >= KILLS_PER_LANE * 3);
}

/** Kills the writer in the midst of its work. */
async function runUntilKilled(child: ChildProcess, after: number, known: Known): Promise<void> {
  assert.ok(child.stdout !== null);
  const exited = once(child, 'exit');
  const enough = known.acknowledgements + after;
  let rest = '';
  for await (const chunk of child.stdout) {
    // What has no end yet was not said.
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) known.take(line);
    if (known.acknowledgements >= enough) child.kill('SIGKILL');
  }
  const [, signal] = await exited;
  assert.equal(signal, 'SIGKILL');
}

/** The value of each key: `service k1-2`, `instance k1-2`. */
async function readStore(directory: string): Promise<Map<string, number>> {
  const store = await EmbeddedStore.open(directory);
  const { services, instances } = await store.load();
  await store.close();
  const found = new Map<string, number>();
  for (const { name, policy } of services) if (name !== 'all') found.set(`service ${name}`, Number(policy.n));
  for (const { id, metadata } of instances) found.set(`instance ${id}`, Number(metadata.n));
  return found;
}

/** What the writer acknowledged, in all of its lives. */
class Known {
  acknowledgements = 0;
  /** The number that the writers begin with in their next life: above all that they used. */
  next = 1;
  private readonly values = new Map<string, number>();
  /** The last write of each writer that was acknowledged in this life. */
  private readonly last = new Map<string, number>();
  private revision = -1;

  take(line: string): void {
    const [kind, key, ...numbers] = line.split(' ');
    if (kind === 'ready') {
      assert.ok(Number(key) > this.revision, 'revisions begin above all that were told');
      this.revision = Number(key);
      return;
    }
    const [value, n, revision] = numbers.map(Number);
    this.acknowledgements++;
    this.values.set(`${kind} ${key}`, value);
    this.last.set(key.slice(0, key.indexOf('-')), n);
    this.revision = Math.max(this.revision, revision);
  }

  /** What is there is what was acknowledged; only the one write that each writer had under way may be there or not. */
  compare(found: Map<string, number>): void {
    const underWay = new Map<string, number>();
    for (let writer = 0; writer < 8; writer++) {
      const n = (this.last.get(`k${writer}`) ?? this.next - 1) + 1;
      underWay.set(`${n % 3 === 0 ? 'service' : 'instance'} k${writer}-${n % 5}`, n);
    }
    for (const key of new Set([...this.values.keys(), ...found.keys()])) {
      const acknowledged = this.values.get(key) ?? 0;
      const there = found.get(key) ?? 0;
      if (there === acknowledged) continue;
      const n = underWay.get(key);
      assert.ok(n !== undefined, `${key}: ${acknowledged} was acknowledged, ${there} is there`);
      assert.ok(there === n || there === 0, `${key}: ${acknowledged} was acknowledged, ${there} is there`);
      if (there === 0) assert.equal(n % 7, 1, `${key} is gone, and nobody removed it`);
      this.values.set(key, there);
    }
    this.next = Math.max(this.next, ...underWay.values()) + 1;
    this.last.clear();
  }
}
