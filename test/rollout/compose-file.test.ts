import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { ComposeFile } from '../../rollout/compose-file.ts';
import { findObstacles } from '../../rollout/obstacles.ts';

/** As docker-compose 1.29 prints it. */
const SHOP = `networks:
  default:
    name: shop_default
services:
  delivery:
    command: [run, --service, delivery]
    environment: &id001
      FLAG: 'yes'
      VERSION: '012'
      RATE: 1e3
      COST: $$5
    image: shop:1
    ports:
    - 8080/tcp
  gateway:
    network_mode: service:gateway-sidecar
  gateway-sidecar:
    ports:
    - 127.0.0.1:8080:8080/tcp
  kitchen:
    build:
      context: /shop
    container_name: the-kitchen
    depends_on:
      kitchen-sidecar:
        condition: service_healthy
    environment: *id001
    network_mode: service:kitchen-sidecar
    read_only: true
  kitchen-sidecar:
    container_name: the-sidecar
    image: outrider:1
    networks:
      default:
        ipv4_address: 172.20.0.9
version: '3.9'
volumes:
  data: {}
  state: null
`;

describe('what belongs together', () => {
  const file = new ComposeFile(SHOP);

  test('a service on its own is replicas', () => {
    assert.deepEqual(file.groupOf('delivery'), { kind: 'replicas', service: 'delivery' });
  });

  test('an application and its sidecar are a pair, whichever is named', () => {
    const pair = { kind: 'pair', owner: 'kitchen-sidecar', members: ['kitchen'] };
    assert.deepEqual(file.groupOf('kitchen'), pair);
    assert.deepEqual(file.groupOf('kitchen-sidecar'), pair);
  });

  test('a file without services is none', () => {
    assert.throws(() => new ComposeFile('version: "3"'), /has no services/);
    assert.throws(() => new ComposeFile('a: b: c'), /can not be read/);
  });
});

describe('the file with a second pair', () => {
  const text = new ComposeFile(SHOP).withSecond('kitchen-sidecar', ['kitchen'], name => `shop_${name}`);

  test('has two services more, which are what the first two are, without what these have alone', () => {
    const { services } = parse(text);
    assert.deepEqual(services['kitchen-rollout'], {
      environment: { FLAG: 'yes', VERSION: '012', RATE: 1000, COST: '$$5' },
      network_mode: 'service:kitchen-sidecar-rollout',
      read_only: true,
      image: 'shop_kitchen',
    });
    assert.deepEqual(services['kitchen-sidecar-rollout'], { image: 'outrider:1', networks: { default: {} } });
  });

  test('is the same in everything else, to the letter of its values', () => {
    const { services, ...rest } = parse(text);
    const before = parse(SHOP);
    const { 'kitchen-rollout': _, 'kitchen-sidecar-rollout': __, ...others } = services;
    assert.deepEqual({ ...rest, services: others }, before);
    assert.match(text, /FLAG: 'yes'\n +VERSION: '012'\n +RATE: 1e3\n +COST: \$\$5/);
    assert.match(text, /state: null/);
  });
});

describe('what can not be rolled out', () => {
  const obstaclesOf = (service: string, text = SHOP) => {
    const file = new ComposeFile(text);
    return findObstacles(file, file.groupOf(service)).join('\n');
  };
  const alone = (...lines: string[]) => `services:\n  one:\n${lines.map(line => `    ${line}\n`).join('')}`;

  test('nothing is in the way of replicas with names and ports that are chosen for them', () => {
    assert.equal(obstaclesOf('delivery'), '');
  });

  test('a pair may have fixed names and addresses, as the second one goes without', () => {
    assert.equal(obstaclesOf('kitchen'), '');
  });

  test('a port of the host', () => {
    assert.match(obstaclesOf('gateway'), /^gateway-sidecar publishes port 8080 of the host/);
    for (const port of ['"8081:80"', '"[::1]:8081:80/udp"', '{ target: 80, published: "8081" }'])
      assert.match(obstaclesOf('one', alone(`ports: [${port}]`)), /^one publishes port 8081 of the host/);
    for (const port of [
      '"80"',
      '"127.0.0.1::80"',
      '"8081-8085:80"',
      '{ target: 80 }',
      '{ target: 80, published: "0" }',
    ])
      assert.equal(obstaclesOf('one', alone(`ports: [${port}]`)), '', port);
  });

  test('what there can be only one of', () => {
    assert.match(obstaclesOf('one', alone('container_name: the-one')), /^one has the fixed name the-one/);
    assert.match(
      obstaclesOf('one', alone('networks: { front: { ipv4_address: 172.20.0.9 } }')),
      /^one has a fixed address in the network front/,
    );
    assert.match(obstaclesOf('one', alone('network_mode: host')), /^one uses the network of the host/);
    assert.match(obstaclesOf('one', alone('network_mode: none')), /^one has the network mode none/);
  });

  test('a pair of which there are to be several', () => {
    const pair = (scale: string) => `${alone('network_mode: service:two')}  two:\n    ${scale}\n`;
    assert.match(obstaclesOf('one', pair('scale: 2')), /^two is to have 2 containers/);
    assert.match(obstaclesOf('one', pair('deploy: { replicas: 3 }')), /^two is to have 3 containers/);
    const taken = `${pair('image: a')}  one-rollout: {}\n`;
    assert.match(obstaclesOf('one', taken), /^one needs the name one-rollout for a while/);
    assert.match(obstaclesOf('one', alone('network_mode: service:gone')), /^There is no service gone/);
  });
});
