import assert from 'node:assert/strict';
import { networkInterfaces } from 'node:os';
import { test } from 'node:test';
import { checkAdvertisedAddress } from '../../../sidecar/checks/advertised-address.ts';
import { closedPort } from '../../e2e/harness/closed-port.ts';
import { HttpUpstream } from '../../e2e/harness/http-upstream.ts';
import { configOf } from '../config/files.ts';

function appAt(port: number, advertise = 'auto') {
  return configOf(`service: orders\napp: { port: ${port}, advertise: "${advertise}" }`).app!;
}

const own = Object.values(networkInterfaces())
  .flatMap(addresses => addresses ?? [])
  .find(({ internal, family }) => !internal && family === 'IPv4');

test('an address that leads to the application is fine; one that only this machine reaches is told as such', async t => {
  const app = await HttpUpstream.start((_, response) => response.end());
  t.after(() => app.stop());
  const { result, detail } = await checkAdvertisedAddress(appAt(app.port), '127.0.0.1', 30_000);
  assert.deepEqual([result, detail], ['ok', `127.0.0.1:${app.port}, which nobody but this machine reaches`]);
});

test('an application that listens on 127.0.0.1 alone fails', {
  skip: own === undefined && 'this machine has no address but that of lo',
}, async t => {
  const app = await HttpUpstream.start((_, response) => response.end());
  t.after(() => app.stop());
  const { result, detail, fix } = await checkAdvertisedAddress(appAt(app.port), own!.address, 30_000);
  assert.equal(result, 'failed');
  assert.match(detail, new RegExp(`^${own!.address}:${app.port} is what others are told.*though it does on`));
  assert.match(fix!, /listen on 0\.0\.0\.0, not on 127\.0\.0\.1 alone/);
});

test('an advertised port that leads nowhere fails', async t => {
  const app = await HttpUpstream.start((_, response) => response.end());
  t.after(() => app.stop());
  const advertised = `127.0.0.1:${await closedPort()}`;
  const { result, detail, fix } = await checkAdvertisedAddress(appAt(app.port, advertised), null, 30_000);
  assert.equal(result, 'failed');
  assert.match(detail, new RegExp(`^${advertised} is what others are told`));
  assert.match(fix!, /^Correct app\.advertise/);
});

test('where there is no application, that is the fix', async () => {
  const { result, fix } = await checkAdvertisedAddress(appAt(await closedPort()), '127.0.0.1', 30_000);
  assert.deepEqual([result, fix], ['failed', 'Start the application.']);
});

test('auto is not known while the control plane is not reached', async () => {
  assert.equal((await checkAdvertisedAddress(appAt(1), null, 30_000)).result, 'skipped');
});
