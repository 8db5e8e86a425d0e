import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Problem } from '../../control-plane/contract/problem.ts';
import { parseYaml } from '../../control-plane/contract/yaml-source.ts';
import { ConfigReloader } from '../../process/reload.ts';
import { loadSidecarConfig } from '../../sidecar/config/load.ts';
import type { SidecarConfig } from '../../sidecar/config/sidecar-config.ts';

let folder: string;
let reloader: ConfigReloader<SidecarConfig> | null = null;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'outrider-reload-'));
});

afterEach(async () => {
  await reloader?.stop();
  reloader = null;
  rmSync(folder, { recursive: true });
});

/** What the listener was told, in order; told things can be waited for. */
class Told {
  readonly names: string[] = [];
  rejection: Error | null = null;
  private seen = 0;

  async onConfig(config: SidecarConfig): Promise<void> {
    this.names.push(`config ${config.service}`);
    if (this.rejection !== null) throw this.rejection;
  }

  onUnchanged(): void {
    this.names.push('unchanged');
  }

  onRefused(problems: readonly Problem[]): void {
    this.names.push(`refused ${problems[0].message}`);
  }

  async next(): Promise<string> {
    for (let waited = 0; this.names.length <= this.seen; waited += 5) {
      assert.ok(waited < 10_000, 'nothing was told');
      await sleep(5);
    }
    return this.names[this.seen++];
  }
}

/** Watches `path`, which is written first. */
function watch(path: string, content = 'service: first'): Told {
  writeFileSync(path, content);
  return watchWritten(path, content);
}

function watchWritten(path: string, content: string): Told {
  const told = new Told();
  reloader = new ConfigReloader({
    path,
    current: Buffer.from(content),
    load: async bytes => loadSidecarConfig({ file: parseYaml(path, bytes, {}), overrides: [] }),
    listener: told,
    pollMs: 5,
    settleMs: 10,
  });
  reloader.start();
  return told;
}

test('picks up a file that is written again, also with the same length and time', async () => {
  const path = join(folder, 'outrider.yaml');
  const told = watch(path);
  const before = new Date('2020-01-01');
  utimesSync(path, before, before);
  writeFileSync(path, 'service: other');
  utimesSync(path, before, before);
  assert.equal(await told.next(), 'config other');
});

test('picks up a file that another one is moved over', async () => {
  const path = join(folder, 'outrider.yaml');
  const told = watch(path);
  for (const name of ['second', 'third']) {
    writeFileSync(join(folder, 'next'), `service: ${name}`);
    renameSync(join(folder, 'next'), path);
    assert.equal(await told.next(), `config ${name}`);
  }
});

test('picks up a folder that a link is switched away from, as config maps do it', async () => {
  for (const version of ['1', '2']) {
    mkdirSync(join(folder, version));
    writeFileSync(join(folder, version, 'outrider.yaml'), `service: v${version}`);
  }
  symlinkSync('1', join(folder, 'data'));
  symlinkSync('data/outrider.yaml', join(folder, 'outrider.yaml'));
  const told = watchWritten(join(folder, 'outrider.yaml'), 'service: v1');
  symlinkSync('2', join(folder, 'data-next'));
  renameSync(join(folder, 'data-next'), join(folder, 'data'));
  assert.equal(await told.next(), 'config v2');
});

test('refuses a file that is wrong once, and takes it when it is right again', async () => {
  const path = join(folder, 'outrider.yaml');
  const told = watch(path);
  writeFileSync(path, 'servise: second');
  assert.equal(await told.next(), 'refused unknown key; did you mean service?');
  await sleep(50);
  writeFileSync(path, 'service: second');
  assert.equal(await told.next(), 'config second');
  assert.equal(told.names.length, 2);
});

test('tells once of a file that is gone, and that it is back as it was', async () => {
  const path = join(folder, 'outrider.yaml');
  const told = watch(path);
  unlinkSync(path);
  assert.equal(await told.next(), 'refused can not be read: there is no such file');
  await sleep(50);
  writeFileSync(path, 'service: first');
  assert.equal(await told.next(), 'unchanged');
  writeFileSync(path, 'service: second');
  assert.equal(await told.next(), 'config second');
  assert.equal(told.names.length, 3);
});

test('tells again what is wrong with a file that was gone and is back', async () => {
  const path = join(folder, 'outrider.yaml');
  const told = watch(path);
  const expected = 'refused unknown key; did you mean service?';
  writeFileSync(path, 'servise: second');
  assert.equal(await told.next(), expected);
  unlinkSync(path);
  assert.equal(await told.next(), 'refused can not be read: there is no such file');
  writeFileSync(path, 'servise: second');
  assert.equal(await told.next(), expected);
});

test('waits until a file is written to its end', async () => {
  const path = join(folder, 'outrider.yaml');
  const told = watch(path);
  for (const text of ['s', 'serv', 'service', 'service: ', 'service: s', 'service: second']) {
    writeFileSync(path, text);
    await sleep(3);
  }
  assert.equal(await told.next(), 'config second');
  assert.deepEqual(told.names, ['config second']);
});

test('says why a configuration could not be applied', async () => {
  const path = join(folder, 'outrider.yaml');
  const told = watch(path);
  told.rejection = new Error('the port is in use');
  writeFileSync(path, 'service: second');
  assert.equal(await told.next(), 'config second');
  assert.equal(await told.next(), 'refused can not be applied: the port is in use');
});

test('says when asked that nothing has changed', async () => {
  const path = join(folder, 'outrider.yaml');
  const told = watch(path);
  await reloader?.reload();
  assert.deepEqual(told.names, ['unchanged']);
});

test('tries again when asked what could not be applied', async () => {
  const path = join(folder, 'outrider.yaml');
  const told = watch(path);
  told.rejection = new Error('the port is in use');
  writeFileSync(path, 'service: second');
  assert.equal(await told.next(), 'config second');
  assert.equal(await told.next(), 'refused can not be applied: the port is in use');
  told.rejection = null;
  await reloader?.reload();
  await reloader?.reload();
  assert.deepEqual(told.names.slice(2), ['config second', 'unchanged']);
});

test('tells nothing after its stop', async () => {
  const path = join(folder, 'outrider.yaml');
  const told = watch(path);
  await reloader?.stop();
  await reloader?.stop();
  writeFileSync(path, 'service: second');
  await reloader?.reload();
  await sleep(50);
  assert.deepEqual(told.names, []);
});

test('a pipe in the place of the file is refused, and neither read nor waited for', async () => {
  const path = join(folder, 'a.yaml');
  const told = watch(path);
  execFileSync('mkfifo', [`${path}.pipe`]);
  renameSync(`${path}.pipe`, path);
  assert.equal(await told.next(), 'refused can not be read: it is no regular file any more');
  writeFileSync(`${path}.new`, 'service: second');
  renameSync(`${path}.new`, path);
  assert.equal(await told.next(), 'config second');
});
