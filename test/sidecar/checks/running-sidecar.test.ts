import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import {
  findRunningSidecar,
  judgeSidecar,
  type RunningSidecar,
} from '../../../sidecar/checks/running-sidecar.ts';
import { closedPort } from '../../e2e/harness/closed-port.ts';
import { FullBacklog } from '../../e2e/harness/full-backlog.ts';
import { HttpUpstream } from '../../e2e/harness/http-upstream.ts';
import { SidecarProcess } from '../../e2e/harness/sidecar-process.ts';
import { until } from '../../e2e/harness/until.ts';

const LONG = 30_000;
const at = (port: number) => ({ host: '127.0.0.1', port });

describe('a sidecar that runs', () => {
  let sidecar: SidecarProcess;
  const find = async () => (await findRunningSidecar(at(Number(new URL(sidecar.adminUrl).port)), LONG))!;
  const FILE = { service: 'orders', upstreams: { a: { endpoints: ['127.0.0.1:1'] } } };

  before(async () => {
    sidecar = await SidecarProcess.start({ file: FILE });
  });
  after(() => sidecar.kill());

  test('is found at its admin API, with what it has in force', async () => {
    const running = await find();
    assert.equal(JSON.parse(running.inForce).service, 'orders');
    const { result, detail } = judgeSidecar(running, null);
    assert.equal(result, 'ok');
    assert.match(detail, /^version \S+ runs and is ready \(127\.0\.0\.1:\d+\)$/);
  });

  test('that has refused a configuration fails', async () => {
    sidecar.write('nonsense: 1\n');
    await until(async () => (await find()).refused !== null, 'a refusal');
    const { result, detail } = judgeSidecar(await find(), null);
    sidecar.write(FILE);
    assert.equal(result, 'failed');
    assert.match(detail, /a changed configuration is refused: .*nonsense/);
  });
});

test('what is no sidecar is none: another program, one that does not answer, nobody', async t => {
  const other = await HttpUpstream.start((_, response) => response.end('{"version":"1"}'));
  const silent = await FullBacklog.start();
  t.after(() => Promise.all([other.stop(), silent.stop()]));
  assert.equal(await findRunningSidecar(at(other.port), LONG), null);
  assert.equal(await findRunningSidecar(at(silent.port), 100), null);
  assert.equal(await findRunningSidecar(at(await closedPort()), LONG), null);
  assert.equal(judgeSidecar(null, at(1)).detail, 'none answers at 127.0.0.1:1');
  assert.match(judgeSidecar(null, null).detail, /admin API is off/);
});

test('what is in its way is told', () => {
  const running: RunningSidecar = {
    address: '127.0.0.1:15000',
    inForce: '{}',
    refused: null,
    readiness: { ready: false, reasons: ['The sidecar drains.'] },
    info: {
      version: '1.2.3',
      state: 'draining',
      discovery: {
        connected: false,
        problem: 'The control plane answered 401.',
        registration: { address: null, status: null, problem: 'The application does not listen on port 1.' },
      },
    },
  };
  assert.equal(
    judgeSidecar(running, null).detail,
    'version 1.2.3 runs, and says: The sidecar drains. The control plane answered 401. The application does not listen on port 1.',
  );
});
