/** Holds the compose file of docs/mesh.md against the commands of today, and against itself. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { COMMANDS } from '../../bin/command-line.ts';
import { parseArguments } from '../../command-line/arguments.ts';
import { parseDuration } from '../../control-plane/contract/duration.ts';
import { settingsFromFlags } from '../../sidecar/commands/flag-settings.ts';
import { loadSidecarConfig } from '../../sidecar/config/load.ts';
import { ROOT } from '../tools/repository-files.ts';

interface ComposeService {
  readonly command?: string;
  readonly entrypoint?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly network_mode?: string;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly healthcheck?: { readonly test?: readonly string[] };
  readonly stop_grace_period?: string;
  readonly volumes?: readonly string[];
}

interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, object>>;
}

const file = readComposeFile();
const services = Object.entries(file.services);
const ours = services.filter(([, { entrypoint }]) => entrypoint?.at(-1)?.endsWith('/outrider.js'));

test('there are a control plane, sidecars, and a service that waits', () => {
  const commands = new Set(ours.map(([, { command = '' }]) => command.split(' ')[0]));
  assert.deepEqual([...commands].sort(), ['control-plane', 'sidecar', 'wait']);
});

for (const [name, { command = '', environment = {} }] of ours) {
  test(`the command of ${name} is one that Outrider takes`, () => {
    const [commandName, ...args] = command.split(' ');
    const found = COMMANDS.find(known => known.name === commandName);
    assert.ok(found, commandName);
    const known = new Set([...found.flags.map(({ variable }) => variable), 'XDG_STATE_HOME']);
    assert.deepEqual(
      Object.keys(environment).filter(variable => !known.has(variable)),
      [],
    );
    const parsed = parseArguments(found, args, environment);
    assert.ok(parsed.kind === 'run', JSON.stringify(parsed));
    if (commandName !== 'sidecar') return;
    const { overrides, problems } = settingsFromFlags(parsed.invocation);
    const loaded = loadSidecarConfig({ file: null, overrides });
    assert.deepEqual([...problems, ...loaded.problems], []);
    assert.ok(loaded.value?.app && loaded.value.controlPlane && loaded.value.service);
    assert.ok(graceOf(name) > loaded.value.stop.grace, 'it may stop as long as it wants to');
  });
}

test('what services and volumes refer to is there', () => {
  for (const [name, { network_mode = '', depends_on = {}, volumes = [] }] of services) {
    const [, network] = /^service:(.+)$/.exec(network_mode) ?? [];
    for (const other of network === undefined ? [] : [network]) assert.ok(other in file.services, name);
    for (const [other, { condition }] of Object.entries(depends_on)) {
      assert.ok(other in file.services, name);
      if (condition === 'service_healthy') assert.ok(file.services[other].healthcheck?.test, other);
    }
    const named = volumes.map(volume => volume.split(':')[0]).filter(source => !source.startsWith('.'));
    assert.deepEqual(
      named.filter(source => !(source in file.volumes)),
      [],
    );
  }
});

function graceOf(name: string): number {
  return parseDuration(file.services[name].stop_grace_period ?? '10s') ?? 0;
}

function readComposeFile(): ComposeFile {
  const page = readFileSync(join(ROOT, 'docs/mesh.md'), 'utf8');
  const [text, ...more] = [...page.matchAll(/^```yaml\n(.*?)^```$/gms)]
    .map(([, block]) => block)
    .filter(block => block.startsWith('x-outrider:'));
  assert.equal(more.length, 0);
  const compose: ComposeFile = parse(text, { merge: true, version: '1.1' });
  return compose;
}
