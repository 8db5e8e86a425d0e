import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { VALIDATE_COMMAND } from '../../sidecar/commands/validate.ts';
import { readPolicy } from '../../sidecar/discovery/policy-reader.ts';
import { type RunningControlPlane, startControlPlane } from '../control-plane/running.ts';

/** What is nonsense, and what is said of it everywhere. */
const BAD: readonly (readonly [policy: object, ...says: string[]])[] = [
  [{ timeout: {} }, 'timeout: unknown key; did you mean timeouts?'],
  [{ retry: { atempts: 2 } }, 'retry.atempts: unknown key; did you mean attempts?'],
  [{ fault: { abort: { status: 503 } } }, 'fault.abort.status: unknown key'],
  [{ balancer: 'best' }, 'balancer: '],
  [{ timeouts: { total: '-5s' } }, 'timeouts.total: '],
  [{ timeouts: { total: 5 } }, 'timeouts.total: '],
  [{ timeouts: { connect: '0s' } }, 'timeouts.connect: '],
  [{ retry: { attempts: -1 } }, 'retry.attempts: '],
  [{ retry: { attempts: 1000 } }, 'retry.attempts: '],
  [{ retry: { budget: { ratio: '200%' } } }, 'retry.budget.ratio: '],
  [{ breaker: { failureRate: '0%' } }, 'breaker.failureRate: '],
  [{ limits: { concurrency: 0 } }, 'limits.concurrency: '],
  [{ limits: { retryBody: '1TiB' } }, 'limits.retryBody: '],
  [{ rateLimit: {} }, 'rateLimit.rate: '],
  [{ rateLimit: { rate: -1 } }, 'rateLimit.rate: '],
  [{ outliers: { maxEjected: '150%' } }, 'outliers.maxEjected: '],
  [{ fault: { delay: { for: '1h' } } }, 'fault.delay.for: '],
  [{ fault: { abort: { with: 200 } } }, 'fault.abort.with: '],
  [{ fault: { ttl: '1m' } }, 'fault: has neither delay nor abort: nothing would happen'],
  [
    { fault: { abort: {}, match: [{ name: 'x-a', value: 'b', prefix: 'c' }] } },
    'fault.match: expected either value or prefix of a field, found both',
  ],
  [
    { timeouts: { attempt: '6s', total: '5s' } },
    'timeouts.attempt: is longer than timeouts.total (5s), which ends it first',
  ],
  [
    { timeouts: { attempt: '2s', total: '5s' }, retry: { attempts: 4 } },
    'retry.attempts: leaves no time for the last attempt: 3 × timeouts.attempt is 6s, and timeouts.total (5s) ends them first',
  ],
  [{ hedge: {}, retry: { methods: 'any' } }, 'retry.methods: '],
  [{ hedge: {}, retry: { methods: ['GET', 'POST'] } }, 'retry.methods: '],
  [{ hedge: {}, retry: { attempts: 1 } }, 'hedge: never happens'],
  [{ fallback: {} }, 'fallback: has none of cached, upstream and static: there is nothing to fall back on'],
  [{ fallback: { upstream: 'inventory' } }, 'fallback.upstream: is inventory itself, which has just failed'],
  [{ fallback: { cached: {}, on: ['timeout'] } }, 'fallback.on[0]: '],
  [{ fallback: { static: { status: 101 } } }, 'fallback.static.status: '],
  [
    { fallback: { static: { body: 'x'.repeat(16_385) } } },
    'fallback.static.body: expected text of up to 16 KiB',
  ],
  [
    { fallback: { static: { status: 204, body: 'x' } } },
    'fallback.static.body: is never sent: a 204 has none',
  ],
  [
    { fallback: { static: { headers: { 'content-length': 5 } } } },
    'fallback.static.headers.content-length: ',
  ],
  [{ fallback: { static: { headers: { 'x-a': 'b\r\nx-c: d' } } } }, 'fallback.static.headers.x-a: '],
  [{ timeout: {}, retry: { attempts: 0 } }, 'timeout: unknown key', 'retry.attempts: '],
];

const folder = mkdtempSync(join(tmpdir(), 'outrider-policies-'));
after(() => rmSync(folder, { recursive: true }));

/** What `outrider validate` says of a file, without where. */
async function validate(document: object, prefix: string): Promise<string[]> {
  const path = join(folder, 'file.json');
  writeFileSync(path, JSON.stringify(document));
  let said = '';
  const program = {
    environment: {},
    version: '0',
    print: () => {},
    complain: (text: string) => {
      said += text;
    },
  };
  const code = await VALIDATE_COMMAND.run({ flags: new Map(), operands: [path] }, program);
  assert.equal(code, 2, said);
  return said.split('\n').flatMap(line => line.split(`: ${prefix}.`)[1] ?? []);
}

describe('a policy that makes no sense is refused everywhere with the same words', () => {
  let api: RunningControlPlane;
  const ending: (() => unknown)[] = [];
  before(async () => {
    api = await startControlPlane({ after: end => void ending.push(end as () => unknown) });
  });
  after(async () => {
    for (const end of ending) await end();
  });

  for (const [policy, ...says] of BAD) {
    test(JSON.stringify(policy), async () => {
      const mesh = await validate({ services: { inventory: { policy } } }, 'services.inventory.policy');
      assert.equal(mesh.length, says.length, mesh.join('\n'));
      for (const [i, text] of says.entries()) assert.ok(mesh[i]!.startsWith(text), mesh[i]);

      const file = { upstreams: { inventory: { endpoints: ['10.0.0.1:80'], policy } } };
      assert.deepEqual(await validate(file, 'upstreams.inventory.policy'), mesh);

      const { status, body } = await api.call('PUT', '/v1/services/inventory', { json: { policy } });
      assert.equal(status, 400);
      const told = body.errors.map(
        ({ field, detail }: { field: string; detail: string }) =>
          `${field.slice('policy.'.length)}: ${detail}`,
      );
      // Without lines to go by, the order is another.
      assert.deepEqual([...told].sort(), [...mesh].sort());

      const read = readPolicy('inventory', policy as never);
      assert.ok(!read.ok);
      const reasons = read.reason.split('; policy of inventory: ');
      reasons[0] = reasons[0]!.replace('policy of inventory: ', '');
      assert.deepEqual(reasons.sort(), [...mesh].sort());
    });
  }
});
