import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { getField } from '../../../sidecar/exchange/fields.ts';
import type { Service } from '../../../sidecar/exchange/service.ts';
import type { TargetForm } from '../../../sidecar/http1/request-head.ts';
import { AskedService, type Question } from '../../../sidecar/routing/asked-service.ts';
import { type Routes, RouteTable } from '../../../sidecar/routing/route-table.ts';
import { aRequestHead } from '../exchanges.ts';
import { ScriptedService } from '../scripted-service.ts';

const INVENTORY = new ScriptedService();
const DELIVERY = new ScriptedService();
const REFUSE = new ScriptedService();

/** The shared port; 9001 is inventory's own. */
const SHARED = 15_001;

/** What was passed on, as `host port`. */
let passed: string[];
/** What was asked about; with a mark where it can be nothing but a service. */
let asked: string[];
let question: Question | null;
beforeEach(() => {
  passed = [];
  asked = [];
  question = null;
});

function tableOf(routes: Partial<Routes> = {}): RouteTable {
  return new RouteTable(
    {
      upstreams: new Map([
        ['inventory', INVENTORY],
        ['delivery', DELIVERY],
      ]),
      ports: new Map([[9001, 'inventory']]),
      fallback: null,
      unknownHosts: 'pass',
      connectPorts: [443],
      isOwnAddress: (host, port) =>
        ['127.0.0.1', 'localhost', '::1'].includes(host) && [SHARED, 9001].includes(port),
      ...routes,
    },
    {
      pass(host, port) {
        passed.push(`${host} ${port}`);
        return new ScriptedService();
      },
      absent(name) {
        passed.push(`absent ${name}`);
        return new ScriptedService();
      },
      refuse: REFUSE,
      failing: () => REFUSE,
      ask(host, isNamedSo) {
        asked.push(`${host}${isNamedSo ? '!' : ''}`);
        return question;
      },
      again: () => INVENTORY,
    },
  );
}

interface Asked {
  readonly form?: TargetForm;
  readonly port?: number;
}

function nameOf(service: Service): string {
  if (service === INVENTORY) return 'inventory';
  if (service === DELIVERY) return 'delivery';
  return service === REFUSE ? 'refused' : `passed to ${passed.at(-1)}`;
}

/** Where a request for the authority goes, and what its Host is then. */
function route(table: RouteTable, authority: string, { form = 'origin', port = SHARED }: Asked = {}) {
  const head = aRequestHead({ authority, method: form === 'authority' ? 'CONNECT' : 'GET' });
  const to = nameOf(table.route(head, form, port));
  assert.equal(head.authority, getField(head.fields, 'host'));
  return { to, host: head.authority };
}

describe('by the host that is named', () => {
  const HOSTS: readonly [authority: string, to: string][] = [
    ['inventory', 'inventory'],
    ['delivery', 'delivery'],
    ['Inventory', 'inventory'],
    ['INVENTORY.MESH', 'inventory'],
    ['inventory.mesh', 'inventory'],
    ['inventory.', 'inventory'],
    ['inventory.mesh.', 'inventory'],
    ['inventory:80', 'inventory'],
    ['inventory:8080', 'inventory'],
    ['inventory.mesh:9999', 'inventory'],
    ['inventory:', 'inventory'],
    ['inventory.example.com', 'passed to inventory.example.com 80'],
    ['inventory.mesh.mesh', 'passed to absent inventory.mesh'],
    ['my-inventory', 'passed to my-inventory 80'],
    ['.mesh', 'passed to absent '],
    ['payments.mesh.', 'passed to absent payments'],
    ['payments.mesh:9999', 'passed to absent payments'],
    ['mesh', 'passed to mesh 80'],
  ];
  for (const form of ['origin', 'absolute', 'authority', 'asterisk'] as const) {
    test(`in ${form} form`, () => {
      const table = tableOf({ connectPorts: 'any' });
      for (const [authority, to] of HOSTS) {
        // Twice: the second time from memory.
        assert.deepEqual(route(table, authority, { form }), { to, host: authority });
        assert.deepEqual(route(table, authority, { form }), { to, host: authority });
      }
    });
  }

  test('any number of spellings is settled, also beyond those that are remembered', () => {
    const table = tableOf();
    for (let port = 1; port <= 3_000; port++) assert.equal(route(table, `inventory:${port}`).to, 'inventory');
    assert.equal(route(table, 'inventory:1').to, 'inventory');
  });
});

describe('by the port it came in on', () => {
  test('whatever host it names', () => {
    const table = tableOf();
    for (const authority of ['inventory', 'delivery', 'example.com', '127.0.0.1:9001', '']) {
      assert.equal(route(table, authority, { port: 9001 }).to, 'inventory');
    }
  });

  test('the name of the upstream takes the place of the own address in Host', () => {
    const table = tableOf();
    for (const own of [
      '127.0.0.1:9001',
      'localhost:9001',
      'LOCALHOST:9001',
      '[::1]:9001',
      `127.0.0.1:${SHARED}`,
    ]) {
      assert.equal(route(table, own, { port: 9001 }).host, 'inventory');
    }
  });

  test('any other Host stays as the application sent it', () => {
    const table = tableOf();
    for (const other of ['example.com', 'inventory.mesh', '127.0.0.1:7000', '127.0.0.1', 'Delivery:9001']) {
      assert.equal(route(table, other, { port: 9001 }).host, other);
    }
  });

  test('a request without a host, as of HTTP/1.0, is given the name', () => {
    assert.equal(route(tableOf(), '', { port: 9001 }).host, 'inventory');
  });

  test('a port of an upstream that is gone refuses', () => {
    const table = tableOf({ ports: new Map([[9001, 'gone']]) });
    assert.deepEqual(route(table, 'inventory', { port: 9001 }), { to: 'refused', host: 'inventory' });
  });

  test('the names remembered for the shared port mean nothing there', () => {
    const table = tableOf();
    assert.equal(route(table, 'delivery').to, 'delivery');
    assert.equal(route(table, 'delivery', { port: 9001 }).to, 'inventory');
  });
});

describe('a host that no upstream is named after', () => {
  test('is passed on to its port, 80 where it names none', () => {
    const table = tableOf();
    assert.equal(route(table, 'example.com:8080').to, 'passed to example.com 8080');
    assert.equal(route(table, 'Example.COM').to, 'passed to example.com 80');
    assert.equal(route(table, '[2001:DB8::1]:81', { form: 'absolute' }).to, 'passed to 2001:db8::1 81');
    assert.equal(route(table, '10.0.0.7').host, '10.0.0.7');
  });

  test('is refused where the configuration says so', () => {
    const table = tableOf({ unknownHosts: 'refuse', connectPorts: 'any' });
    for (const form of ['origin', 'absolute', 'authority', 'asterisk'] as const)
      assert.equal(route(table, 'example.com:443', { form }).to, 'refused');
    assert.equal(route(table, 'inventory').to, 'inventory');
  });

  test('is refused where it is the sidecar itself: it would go round in circles', () => {
    const table = tableOf({ connectPorts: 'any' });
    for (const form of ['origin', 'absolute', 'authority', 'asterisk'] as const)
      assert.equal(route(table, `localhost:${SHARED}`, { form }).to, 'refused');
    assert.equal(route(table, 'localhost:8080').to, 'passed to localhost 8080');
  });

  test('is refused where none is named', () => {
    assert.equal(route(tableOf(), '').to, 'refused');
  });
});

describe('CONNECT', () => {
  const connect = (routes: Partial<Routes>, authority: string) =>
    route(tableOf(routes), authority, { form: 'authority' }).to;

  test('reaches the ports that are permitted', () => {
    assert.equal(connect({}, 'example.com:443'), 'passed to example.com 443');
    assert.equal(connect({}, 'example.com:22'), 'refused');
    assert.equal(connect({ connectPorts: [] }, 'example.com:443'), 'refused');
    assert.equal(connect({ connectPorts: [22, 443] }, 'example.com:22'), 'passed to example.com 22');
    assert.equal(connect({ connectPorts: 'any' }, 'example.com:22'), 'passed to example.com 22');
  });

  test('reaches upstreams on any port', () => {
    assert.equal(connect({ connectPorts: [] }, 'inventory:9000'), 'inventory');
  });

  test('has no place on the port of an upstream, whatever it names', () => {
    const table = tableOf({ connectPorts: 'any' });
    for (const authority of ['example.com:443', 'inventory:443', '127.0.0.1:9001'])
      assert.equal(route(table, authority, { port: 9001, form: 'authority' }).to, 'refused');
  });

  test('is never for the only upstream: it names whom it is for', () => {
    assert.equal(connect({ fallback: 'inventory' }, 'example.com:443'), 'passed to example.com 443');
  });
});

describe('with an upstream for whatever names no other', () => {
  const table = () => tableOf({ fallback: 'inventory' });

  test('it gets requests that came as to a server', () => {
    assert.deepEqual(route(table(), 'example.com'), { to: 'inventory', host: 'example.com' });
    assert.deepEqual(route(table(), '', { form: 'asterisk' }), { to: 'inventory', host: 'inventory' });
    assert.deepEqual(route(table(), ''), { to: 'inventory', host: 'inventory' });
  });

  test('it is named where Host is the own address', () => {
    assert.deepEqual(route(table(), `127.0.0.1:${SHARED}`), { to: 'inventory', host: 'inventory' });
  });

  test('where unknown hosts are refused, it gets only what names the sidecar itself or no host', () => {
    const refusing = tableOf({ fallback: 'inventory', unknownHosts: 'refuse' });
    for (const own of [`127.0.0.1:${SHARED}`, `localhost:${SHARED}`, ''])
      assert.deepEqual(route(refusing, own), { to: 'inventory', host: 'inventory' });
    for (const other of ['example.com', '127.0.0.1:7000', 'inventary', '127.0.0.1'])
      assert.equal(route(refusing, other).to, 'refused');
  });

  test('another upstream that is named gets its own', () => {
    assert.equal(route(table(), 'delivery').to, 'delivery');
  });

  test('requests as to a proxy name whom they are for', () => {
    assert.equal(route(table(), 'example.com', { form: 'absolute' }).to, 'passed to example.com 80');
  });
});

describe('a host that is no upstream', () => {
  const HOSTS: readonly [authority: string, form: TargetForm, asked: string | null][] = [
    ['payments', 'origin', 'payments!'],
    ['Payments.mesh.:80', 'origin', 'payments!'],
    ['a.payments.mesh', 'absolute', 'a.payments!'],
    ['payments.example.com', 'absolute', 'payments.example.com'],
    ['payments:443', 'authority', 'payments!'],
    ['payments.example.com:443', 'authority', null],
    ['localhost:15001', 'origin', null],
    ['inventory', 'origin', null],
  ];
  for (const [authority, form, expected] of HOSTS) {
    test(`${authority} as ${form} is asked about as ${expected}`, () => {
      route(tableOf(), authority, { form });
      assert.deepEqual(asked, expected === null ? [] : [expected]);
    });
  }

  test('waits for the answer where there is one to come', () => {
    question = { name: 'payments', enter: () => true, leave() {} };
    const service = tableOf().route(aRequestHead({ authority: 'payments' }), 'origin', SHARED);
    assert.ok(service instanceof AskedService);
    assert.deepEqual(passed, []);
  });
});
