import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkPorts } from '../../../sidecar/checks/ports.ts';
import { closedPort } from '../../e2e/harness/closed-port.ts';
import { HttpUpstream } from '../../e2e/harness/http-upstream.ts';
import { configOf } from '../config/files.ts';

test('ports that are free are told, and free afterwards', async () => {
  const [shared, other, admin] = [await closedPort(), await closedPort(), await closedPort()];
  const config = configOf(
    `egress: { listen: "127.0.0.1:${shared}", ports: { ${other}: a } }
upstreams: { a: { endpoints: ["127.0.0.1:1"] } }
admin: { listen: "127.0.0.1:${admin}" }`,
  );
  const expected = `free: 127.0.0.1:${shared}, 127.0.0.1:${other}, 127.0.0.1:${admin}`;
  for (let turn = 0; turn < 2; turn++) {
    assert.deepEqual(await checkPorts(config, null), { result: 'ok', detail: expected, fix: null });
  }
});

test('a port that something else has fails, with the setting that names it', async t => {
  const other = await HttpUpstream.start((_, response) => response.end());
  t.after(() => other.stop());
  const config = configOf(`egress: { listen: "${other.address}" }\nadmin: { listen: off }`);
  const { result, detail, fix } = await checkPorts(config, null);
  assert.equal(result, 'failed');
  assert.match(detail, new RegExp(`can not listen on ${other.address}: .*EADDRINUSE.*egress\\.listen`));
  assert.match(fix!, /Stop what listens there/);
});

test('a port that the running sidecar has is fine, another one that is taken is not', async t => {
  const [own, other] = [await HttpUpstream.start(() => {}), await HttpUpstream.start(() => {})];
  t.after(() => Promise.all([own.stop(), other.stop()]));
  const running = configOf(`egress: { listen: "${own.address}" }\nadmin: { listen: off }`);
  assert.deepEqual(await checkPorts(running, running), {
    result: 'ok',
    detail: `held by the sidecar that runs: ${own.address}`,
    fix: null,
  });
  const changed = configOf(`egress: { listen: "${own.address}" }\nadmin: { listen: "${other.address}" }`);
  const { result, detail } = await checkPorts(changed, running);
  assert.equal(result, 'failed');
  assert.match(detail, /^can not listen on .*admin\.listen/);
});

test('an address that this machine does not have fails', async () => {
  // For documentation only (RFC 5737), so nobody has it.
  const config = configOf(`egress: { listen: "203.0.113.7:${await closedPort()}" }\nadmin: { listen: off }`);
  const { result, detail, fix } = await checkPorts(config, null);
  assert.equal(result, 'failed');
  assert.match(detail, /EADDRNOTAVAIL/);
  assert.match(fix!, /an address of this machine/);
});

test('without a port there is nothing to check', async () => {
  const config = configOf('egress: { listen: off }\nadmin: { listen: off }');
  assert.equal((await checkPorts(config, null)).result, 'skipped');
});
