/**
 * Stands for `docker`, `docker compose` and `docker-compose` in tests: containers are entries of a file, and a container that runs registers
 * an instance at its address, as its sidecar would. `node stand-in-engine.mjs PROGRAM ARGUMENTS…`, in the folder that $STAND_IN names:
 * `compose.yaml`, what `config` prints; `behaviour.json`, see stand-in.ts; `state.json`, the containers; `calls`, a line per call.
 */
import { appendFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const folder = process.env.STAND_IN;
const behaviour = JSON.parse(readFileSync(join(folder, 'behaviour.json'), 'utf8'));
const [program, ...given] = process.argv.slice(2);
const line = [program, ...given].join(' ');
const changes = / (up|stop|rm) /.test(`${line} `);
if (changes) appendFileSync(join(folder, 'calls'), `${line}\n`);

const statePath = join(folder, 'state.json');
const state = existsSync(statePath)
  ? JSON.parse(readFileSync(statePath, 'utf8'))
  : { containers: [], made: 0 };

/** As compose and the engine do: a word on standard error, and a code that is not 0. */
class Refused extends Error {}

function keep() {
  // At once, as others read it at any time.
  writeFileSync(`${statePath}.new`, JSON.stringify(state));
  renameSync(`${statePath}.new`, statePath);
}

async function tell(method, container, more) {
  const path = `/v1/services/${container.service}/instances/${container.instance}`;
  const response = await fetch(behaviour.controlPlane + path, {
    method,
    ...(more && { body: JSON.stringify(more), headers: { 'content-type': 'application/json' } }),
  });
  if (response.status >= 300 && response.status !== 404) throw new Error(await response.text());
}

function lowestFree() {
  const taken = state.containers.filter(({ status }) => status === 'running').map(({ address }) => address);
  for (let last = 2; ; last++) if (!taken.includes(`10.9.0.${last}`)) return `10.9.0.${last}`;
}

async function create(project, name, file) {
  const service = file.services[name];
  const owner = /^service:(.*)$/.exec(service.network_mode ?? '')?.[1];
  const numbers = state.containers.filter(one => one.name === name).map(one => one.number);
  const joined = state.containers.find(one => one.name === owner);
  if (owner !== undefined && joined === undefined) throw new Refused(`no container of ${owner} to join`);
  const number = Math.max(0, ...numbers) + 1;
  const how = behaviour.starts[name] ?? 'silent';
  const container = {
    id: `${++state.made}`.padStart(12, 'c'),
    project,
    name,
    number,
    status: { exits: 'exited', restarts: 'restarting' }[how] ?? 'running',
    exitCode: how === 'exits' || how === 'restarts' ? 3 : 0,
    address: owner === undefined ? lowestFree() : null,
    image: service.image ?? `${project}_${name}`,
    service: behaviour.services[name],
    instance: `i${state.made}`,
  };
  state.containers.push(container);
  keep();
  const address = container.address ?? joined.address;
  if (how === 'up' || how === 'down')
    await tell('PUT', container, { address, port: 8080, status: how, ttl: '10m' });
}

async function compose(args) {
  const files = [];
  let project = 'shop';
  let [word, ...rest] = args;
  for (; ['-f', '-p', '--env-file', '--profile'].includes(word); [word, ...rest] = rest) {
    const value = rest.shift();
    if (word === '-f') files.push(value);
    if (word === '-p') project = value;
  }
  const text = readFileSync(files[0] === '-' ? 0 : join(folder, files[0] ?? 'compose.yaml'), 'utf8');
  if (word === 'version') return 'compose, a stand-in\n';
  if (behaviour.invalidFile) throw new Refused('services.delivery.imag is not expected');
  if (word === 'config') return text;
  if (word === 'ps')
    return state.containers
      .filter(one => one.status === 'running')
      .map(({ id }) => `${id}\n`)
      .join('');
  if (word !== 'up') throw new Refused(`unknown command ${word}`);
  const [scale, name] = rest.slice(-2);
  const wanted = Number(scale.split('=')[1]);
  if (behaviour.failingStart?.[name]) throw new Refused(behaviour.failingStart[name]);
  const { parse } = await import('yaml');
  const there = state.containers.filter(one => one.name === name).length;
  for (let i = there; i < wanted; i++) await create(project, name, parse(text));
  if (behaviour.slowStart) await sleep(behaviour.slowStart);
  return '';
}

function find(id) {
  return state.containers.find(one => one.id === id) ?? fail(`Error: No such container: ${id}`);
}

function fail(message) {
  throw new Refused(message);
}

function inspected({ id, project, name, number, status, exitCode, address, image }) {
  const networks = address === null ? {} : { net: { IPAddress: address, GlobalIPv6Address: '' } };
  return {
    Id: id,
    Name: `/${project}_${name}_${number}`,
    State: { Status: status, ExitCode: exitCode },
    Config: {
      Image: image,
      Labels: {
        'com.docker.compose.project': project,
        'com.docker.compose.service': name,
        'com.docker.compose.oneoff': 'False',
        'com.docker.compose.container-number': `${number}`,
      },
    },
    NetworkSettings: { Networks: networks },
  };
}

async function docker([word, ...args]) {
  const id = args.at(-1);
  switch (word) {
    case 'compose':
      if (!behaviour.hasPlugin) throw new Refused("docker: 'compose' is not a docker command.");
      return await compose(args);
    case 'ps': {
      const labels = args.flatMap(arg => /^label=(.*)$/.exec(arg)?.[1] ?? []);
      const hits = state.containers.filter(one => {
        const own = inspected(one).Config.Labels;
        return labels.every(label => own[label.split('=')[0]] === label.split('=')[1]);
      });
      return hits.map(one => `${one.id}\n`).join('');
    }
    case 'inspect':
      return JSON.stringify(args.slice(2).map(one => inspected(find(one))));
    case 'stop': {
      const container = find(id);
      if (behaviour.failingStop === container.name) throw new Refused('the engine is gone');
      if (behaviour.slowStop) await sleep(behaviour.slowStop);
      if (container.status === 'running') {
        container.status = 'exited';
        keep();
        if (container.service !== undefined) await tell('DELETE', container);
      }
      return id;
    }
    case 'rm':
      for (const one of args.slice(1)) state.containers.splice(state.containers.indexOf(find(one)), 1);
      keep();
      return id;
    case 'logs':
      find(id);
      return `listening\nwaits for its database\n`;
    default:
      throw new Refused(`docker: '${word}' is not a docker command.`);
  }
}

try {
  const run = program === 'docker' ? docker : compose;
  process.stdout.write(await run(given));
} catch (error) {
  if (!(error instanceof Refused)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
