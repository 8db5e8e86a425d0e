import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, test } from 'node:test';
import type { AppConfig } from '../../../sidecar/config/sidecar-config.ts';
import type { ApiAnswer } from '../../../sidecar/discovery/control-plane-api.ts';
import { Registration } from '../../../sidecar/registration/registration.ts';
import { RecordedLog } from '../recorded-log.ts';
import { until } from '../until.ts';

/** To whichever call. */
type Answer = ApiAnswer<{ revision: number; acknowledged: boolean; waitingFor: readonly string[] }>;

const FINE: Answer = { ok: true, body: { revision: 1, acknowledged: true, waitingFor: [] } };
const APP: AppConfig = {
  port: 8080,
  health: { path: null, interval: 5, timeout: 5 },
  advertise: null,
  version: '1.4',
  zone: 'a',
  metadata: { build: '17' },
};

let calls: { method: string; path: string; body: Record<string, unknown> | null }[];
let answers: (method: string) => Answer;
let check: (ending: AbortSignal) => Promise<string | null>;
let problem: string | null;
let localAddress: string | null;
let log: RecordedLog;
let registration: Registration;

beforeEach(() => {
  calls = [];
  answers = () => FINE;
  problem = null;
  check = async () => problem;
  localAddress = '10.0.0.7';
  log = new RecordedLog();
  start();
});
afterEach(() => registration.leave());

/** Starts one; the one before is left alone. */
function start(app: Partial<AppConfig> = {}): void {
  registration = new Registration({
    service: 'orders',
    instance: 'orders-1',
    app: { ...APP, ...app },
    api: {
      async call({ method, path }, body) {
        calls.push({ method, path, body: body as Record<string, unknown> | null });
        return answers(method) as never;
      },
    },
    localAddress: () => localAddress,
    check: ending => check(ending),
    random: () => 0.5,
    log: log.log,
  });
}

const said = () =>
  calls.map(({ method, path, body }) => [method, path.replace('/v1/services/', ''), body?.status]);
const PUT = 'orders/instances/orders-1';

describe('an application', () => {
  test('is registered once, with all that is known of it, at the address of the stream', async () => {
    registration.start();
    await until(() => calls.length === 1, 'the registration');
    assert.deepEqual(calls[0], {
      method: 'PUT',
      path: '/v1/services/orders/instances/orders-1',
      body: {
        address: '10.0.0.7',
        port: 8080,
        zone: 'a',
        version: '1.4',
        metadata: { build: '17' },
        status: 'up',
      },
    });
    await new Promise(resolve => setTimeout(resolve, 30));
    assert.equal(calls.length, 1);
    assert.equal(registration.view.address, '10.0.0.7:8080');
  });

  test('is not registered before it is healthy, nor without a stream', async () => {
    problem = 'does not listen on port 8080';
    localAddress = null;
    registration.start();
    await until(() => registration.view.problem !== 'The application was not checked yet.', 'a check');
    problem = null;
    await until(() => registration.view.application === 'up', 'a good check');
    assert.equal(calls.length, 0);
    localAddress = '10.0.0.8';
    await until(() => calls.length === 1, 'the registration');
    assert.equal(calls[0]!.body!.address, '10.0.0.8');
  });

  test('that is not healthy from the start is complained of, of each reason once', async () => {
    problem = 'does not listen on port 8080';
    registration.start();
    await until(() => log.lines.length === 1, 'the first complaint');
    problem = 'answers 500 to GET /healthz';
    await until(() => log.lines.length === 2, 'the second one');
    problem = null;
    await until(() => log.lines.length === 3, 'the registration');
    assert.deepEqual(log.lines, [
      'orders is not registered before it is healthy: the application does not listen on port 8080',
      'orders is not registered before it is healthy: the application answers 500 to GET /healthz',
      'orders is registered as up',
    ]);
  });

  test('that stays down is complained of again only where the reason is another', async () => {
    registration.start();
    await until(() => calls.length === 1, 'up');
    let checks = 0;
    problem = 'answers 500 to GET /healthz';
    check = async () => {
      if (++checks > 20) problem = 'does not listen on port 8080';
      return problem;
    };
    await until(() => log.lines.length === 3, 'another reason');
    assert.deepEqual(log.lines.slice(1), [
      'orders is registered as down: the application answers 500 to GET /healthz',
      'orders stays down: the application does not listen on port 8080',
    ]);
  });

  test('is told down and up again', async () => {
    registration.start();
    await until(() => calls.length === 1, 'up');
    problem = 'answers 500 to GET /healthz';
    await until(() => calls.length === 2, 'down');
    problem = null;
    await until(() => calls.length === 3, 'up again');
    assert.deepEqual(said(), [
      ['PUT', PUT, 'up'],
      ['PUT', PUT, 'down'],
      ['PUT', PUT, 'up'],
    ]);
    assert.ok(log.lines[1]!.includes('as down: the application answers 500'), log.lines[1]);
  });

  test('is registered anew with each stream, and where its address has become another', async () => {
    registration.start();
    await until(() => calls.length === 1, 'the registration');
    registration.onConnected();
    await until(() => calls.length === 2, 'the second one');
    localAddress = '10.0.0.9';
    await until(() => calls.length === 3, 'the third one');
    assert.equal(calls[2]!.body!.address, '10.0.0.9');
  });

  test('at an IPv6 address is shown as such', async () => {
    localAddress = 'fd00::7';
    registration.start();
    await until(() => registration.view.address !== null, 'the registration');
    assert.equal(registration.view.address, '[fd00::7]:8080');
  });

  test('has the address that it advertises', async () => {
    start({ advertise: { host: 'orders.internal', port: 80 } });
    registration.start();
    await until(() => calls.length === 1, 'the registration');
    assert.deepEqual([calls[0]!.body!.address, calls[0]!.body!.port], ['orders.internal', 80]);
  });

  test('that is refused is tried again, and complained of once', async () => {
    answers = () => ({ ok: false, status: 403, problem: 'answered 403' });
    registration.start();
    await until(() => calls.length >= 3, 'three tries');
    assert.deepEqual(log.lines, ['orders is not registered: the control plane answered 403']);
    answers = () => FINE;
    await until(() => registration.view.problem === null, 'the registration');
  });
});

describe('a registration that others end', () => {
  const taken: Answer = { ok: false, status: 409, problem: 'answered 409: it is the address of orders-2' };

  test('is made again, but takes the address from nobody', async () => {
    registration.start();
    await until(() => calls.length === 1, 'the registration');
    registration.onUnregistered('Its registration was ended.');
    await until(() => calls.length === 2, 'the second one');
    assert.equal(calls[1]!.path, `/v1/services/${PUT}?ifFree=true`);
    await until(() => registration.view.status === 'up', 'up again');
    registration.onConnected();
    await until(() => calls.length === 3, 'with the next stream');
    assert.equal(calls[2]!.path, `/v1/services/${PUT}`);
    assert.equal(log.lines[1], 'orders is not registered any more: Its registration was ended.');
  });

  test('is reported while another one who is alive has the address, and made once that one is gone', async () => {
    registration.start();
    await until(() => calls.length === 1, 'the registration');
    answers = () => taken;
    registration.onUnregistered('orders-2 registered at its address.');
    await until(() => calls.length >= 3, 'tries');
    registration.onConnected();
    await until(() => calls.length >= 5, 'tries on another stream');
    assert.ok(calls.slice(1).every(({ path }) => path.endsWith('?ifFree=true')));
    const problem = 'orders is not registered: the control plane answered 409: it is the address of orders-2';
    assert.deepEqual([registration.view.status, registration.view.problem], [null, problem]);
    assert.equal(log.lines.filter(line => line === problem).length, 1);
    answers = () => FINE;
    await until(() => registration.view.status === 'up', 'the registration');
    assert.equal(registration.view.problem, null);
  });

  test('is not made again while the application is down, and nothing is taken out of use at the end', async () => {
    registration.start();
    await until(() => calls.length === 1, 'the registration');
    problem = 'does not listen';
    await until(() => calls.length === 2, 'down');
    registration.onUnregistered('Its registration was ended.');
    await new Promise(resolve => setTimeout(resolve, 30));
    await registration.leave();
    assert.equal(calls.length, 2);
  });

  test('is made again also where it ends before it was answered', async () => {
    let isFirst = true;
    answers = () => {
      if (isFirst) registration.onUnregistered('Its registration was ended.');
      isFirst = false;
      return FINE;
    };
    registration.start();
    await until(() => calls.length === 2, 'the second one');
  });

  test('that was never made is nothing to speak of', async () => {
    problem = 'does not listen';
    registration.start();
    registration.onUnregistered('Its registration ended while there was no stream.');
    problem = null;
    await until(() => calls.length === 1, 'the registration');
    assert.equal(calls[0]!.path, `/v1/services/${PUT}`);
  });
});

describe('at the end', () => {
  test('the instance is drained, then removed, once', async () => {
    registration.start();
    await until(() => calls.length === 1, 'the registration');
    await Promise.all([registration.leave(), registration.leave()]);
    assert.deepEqual(said().slice(1), [
      ['POST', `${PUT}/drain?wait=2000ms`, undefined],
      ['DELETE', PUT, undefined],
    ]);
    assert.equal(registration.view.status, 'gone');
    assert.ok(log.lines.includes('orders is drained: all callers have left it'));
  });

  test('those who have not left it are named, and it is removed all the same', async () => {
    answers = () => ({ ok: true, body: { revision: 1, acknowledged: false, waitingFor: ['shop/shop-1'] } });
    registration.start();
    await until(() => calls.length === 1, 'the registration');
    await registration.leave();
    assert.ok(log.lines.some(line => line.endsWith('have not said that they left it: shop/shop-1')));
    assert.equal(calls.at(-1)!.method, 'DELETE');
  });

  test('it is not called drained where the control plane can not know that', async () => {
    answers = () => ({ ok: true, body: { revision: 1, acknowledged: false, waitingFor: [] } });
    registration.start();
    await until(() => calls.length === 1, 'the registration');
    await registration.leave();
    assert.ok(log.lines.some(line => /whether callers have left it is not known/.test(line)));
    assert.ok(!log.lines.some(line => /is drained/.test(line)));
  });

  test('nothing is said of what was never registered', async () => {
    problem = 'does not listen';
    registration.start();
    await registration.leave();
    assert.deepEqual(calls, []);
  });

  test('it comes to an end without the control plane', async () => {
    registration.start();
    await until(() => calls.length === 1, 'the registration');
    answers = () => ({ ok: false, status: 0, problem: 'can not be reached' });
    await registration.leave();
    assert.ok(log.lines.includes('orders could not be deregistered: the control plane can not be reached'));
  });

  test('drained alone, it stays registered, and is not told up again', async () => {
    registration.start();
    await until(() => calls.length === 1, 'the registration');
    await registration.drain();
    registration.onConnected();
    await new Promise(resolve => setTimeout(resolve, 30));
    assert.deepEqual(
      said().map(([method]) => method),
      ['PUT', 'POST'],
    );
  });

  test('a look at the application that hangs holds nothing up', async () => {
    registration.start();
    await until(() => calls.length === 1, 'the registration');
    let isHanging = false;
    check = ending => {
      isHanging = true;
      return new Promise(resolve => ending.addEventListener('abort', () => resolve('is not looked at')));
    };
    await until(() => isHanging, 'the look');
    await registration.leave();
    assert.equal(calls.at(-1)!.method, 'DELETE');
    assert.equal(registration.view.application, 'up');
  });

  test('a bug is told of, and ends nothing else', async () => {
    registration.start();
    await until(() => calls.length === 1, 'the registration');
    check = () => Promise.reject(new Error('surprise'));
    await until(() => log.lines.some(line => /a bug .*surprise/.test(line)), 'the complaint');
    answers = () => assert.fail('another');
    await registration.drain();
    await registration.leave();
    assert.equal(log.lines.filter(line => /a bug/.test(line)).length, 3);
  });
});
