/** Holds docker-compose.yml against the commands of today, against the shop that `npm start` runs, and against itself. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { allCommands } from '../../bin/command-line.ts';
import { parseArguments } from '../../command-line/arguments.ts';
import { parseDuration } from '../../control-plane/contract/duration.ts';
import { planShop, SERVICES } from '../../examples/shop/runner/plan.ts';
import { settingsFromFlags } from '../../sidecar/commands/flag-settings.ts';
import { loadSidecarConfig } from '../../sidecar/config/load.ts';
import type { SidecarConfig } from '../../sidecar/config/sidecar-config.ts';
import { ROOT } from '../tools/repository-files.ts';

const COMMANDS = await allCommands();

interface ComposeService {
  readonly image: string;
  readonly command: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly network_mode?: string;
  readonly depends_on?: readonly string[] | Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[] };
  readonly stop_grace_period?: string;
  readonly mem_limit?: string;
  readonly cpus?: number;
  readonly read_only?: boolean;
  readonly init?: boolean;
  readonly restart?: string;
  readonly container_name?: string;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
}

interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, object>>;
}

const text = readFileSync(join(ROOT, 'docker-compose.yml'), 'utf8');
const file: ComposeFile = parse(
  text.replaceAll(/\$\{\w+:-(.*?)\}/g, (_, byDefault: string) => byDefault),
  { merge: true, version: '1.1' },
);
const services = Object.entries(file.services);
const ours = services.filter(([, { image }]) => image === 'outrider');
const sidecars = ours.filter(([, { command }]) => /^(sidecar|run) /.test(command));
/** Applications in a container of their own, with their sidecars' names. */
const joined = services.flatMap(([name, { network_mode = '' }]) => {
  const [, network] = /^service:(.+)$/.exec(network_mode) ?? [];
  return network === undefined ? [] : [[name, network] as const];
});

test('the control plane and the sidecars have the same image, and each command is one that Outrider takes', () => {
  assert.deepEqual([...new Set(ours.map(([, { command }]) => command.split(' ')[0]))].sort(), [
    'control-plane',
    'run',
    'sidecar',
  ]);
  for (const [name, { command, environment = {} }] of ours) {
    const [commandName, ...args] = command.split(' ');
    const found = COMMANDS.find(known => known.name === commandName);
    assert.ok(found, commandName);
    assert.equal(parseArguments(found, args, environment).kind, 'run', name);
    // The commands that are run in the control plane's container have a token at hand.
    const forOthers = commandName === 'control-plane' ? ['OUTRIDER_TOKEN'] : [];
    const known = [...found.flags.map(({ variable }) => variable), ...forOthers];
    const given = Object.keys(environment).filter(variable => variable.startsWith('OUTRIDER_'));
    assert.deepEqual(
      given.filter(variable => !known.includes(variable)),
      [],
      name,
    );
  }
});

for (const [name, service] of sidecars) {
  test(`${name} is a sidecar that registers its application, and has the time that it needs to stop`, () => {
    const config = configOf(service);
    assert.ok(config.app && config.controlPlane && config.service);
    // A wrapped application has as long to stop, before its sidecar has.
    const steps = service.command.startsWith('run ') ? 2 : 1;
    assert.ok((parseDuration(service.stop_grace_period ?? '10s') ?? 0) > steps * config.stop.grace);
  });
}

test('the services and their calls are those of the shop that npm start runs', async () => {
  let port = 20_000;
  const plans = await planShop(8080, '/data', 'http://127.0.0.1:7600', async () => port++);
  const deployed = new Map(sidecars.map(([name, service]) => [configOf(service).service, { name, service }]));
  assert.deepEqual([...deployed.keys()].sort(), SERVICES.map(({ name }) => name).sort());
  for (const { name: serviceName, calls } of SERVICES) {
    const { name, service } = deployed.get(serviceName)!;
    const [application] = joined.find(([, network]) => network === name) ?? [name];
    const { environment = {}, command } = file.services[application]!;
    assert.match(command, new RegExp(`node (/app/)?${serviceName}\\.js$`));
    const { egress } = configOf(service);
    const planned = plans.find(plan => plan.service === serviceName)!;
    for (const [callee, way] of Object.entries(calls)) {
      const url = environment[`${callee.toUpperCase()}_URL`];
      if (way === 'port') {
        const { port } = new URL(url!);
        assert.equal(egress.ports.get(Number(port)), callee);
      } else if (way === 'host') {
        assert.equal(environment[`${callee.toUpperCase()}_HOST`], callee);
        assert.equal(new URL(url!).port, String(egress.listen?.port));
      } else {
        assert.equal(url, planned.env[`${callee.toUpperCase()}_URL`]);
        assert.equal(new URL(environment.HTTP_PROXY!).port, String(egress.listen?.port));
      }
    }
  }
});

test('an application joins the network of its sidecar, and starts when that is ready', () => {
  assert.ok(joined.length > 0);
  for (const [name, network] of joined) {
    const { depends_on, ports, healthcheck, init, restart } = file.services[name]!;
    assert.deepEqual(depends_on, { [network]: { condition: 'service_healthy' } }, name);
    assert.equal(network.replace(/-sidecar$/, ''), name);
    assert.equal(ports, undefined, 'the network is the sidecar’s');
    assert.ok(healthcheck?.test && init && restart, 'it comes back when its network is gone');
  }
});

test('everything has limits, Outrider writes nowhere but in its volumes, and what scales has no name or port', () => {
  for (const [name, { mem_limit, cpus }] of services) assert.ok(mem_limit && cpus, name);
  for (const [name, { read_only }] of ours) assert.equal(read_only, true, name);
  for (const [name, { command, container_name, ports, init }] of ours) {
    if (command.startsWith('run '))
      assert.deepEqual([container_name, ports, init], [undefined, undefined, true], name);
  }
});

test('volumes and services that are referred to are there', () => {
  for (const [name, { depends_on = [], volumes = [] }] of services) {
    const others = Array.isArray(depends_on) ? depends_on : Object.keys(depends_on);
    for (const other of others) assert.ok(other in file.services, name);
    const named = volumes.map(volume => volume.split(':')[0]!).filter(source => !source.startsWith('.'));
    for (const source of named) assert.ok(source in file.volumes, source);
  }
});

function configOf({ command, environment = {} }: ComposeService): SidecarConfig {
  const [name, ...args] = command.split(' ');
  const found = COMMANDS.find(known => known.name === name)!;
  const parsed = parseArguments(found, args, environment);
  assert.ok(parsed.kind === 'run');
  const { overrides, problems } = settingsFromFlags(parsed.invocation);
  const loaded = loadSidecarConfig({ file: null, overrides });
  assert.deepEqual([...problems, ...loaded.problems], []);
  assert.ok(loaded.value);
  return loaded.value;
}

test('what the image is built of is in the context of its build', () => {
  const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: string[] };
  const sources = files.filter(path => !path.endsWith('.md'));
  const lines = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');
  for (const path of [...sources, 'tools', 'package.json', 'package-lock.json'])
    assert.ok(lines.includes(`!${path}`), path);
});

test('the mesh file is one that the control plane takes', () => {
  const program = join(ROOT, 'bin/outrider.js');
  const file = join(ROOT, 'examples/shop/mesh/mesh.yaml');
  const { stdout } = spawnSync(process.execPath, [program, 'validate', file], { encoding: 'utf8' });
  assert.equal(stdout, `${file}: ok (mesh)\n`);
});
