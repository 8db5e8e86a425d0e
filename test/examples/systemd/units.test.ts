import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { allCommands } from '../../../bin/command-line.ts';
import { parseArguments } from '../../../command-line/arguments.ts';
import { ROOT } from '../../bin/outrider.ts';
import { configOf } from '../../sidecar/config/files.ts';

const COMMANDS = await allCommands();

const FOLDER = join(ROOT, 'examples/systemd');
/** What a stop of `outrider run` may take besides `stop.grace`, as docs/operation.md says. */
const BESIDES_GRACE_MS = 8000;

const units = new Map(
  readdirSync(FOLDER, { recursive: true, encoding: 'utf8' })
    .filter(path => /\.(service|conf)$/.test(path))
    .map(path => [path, readFileSync(join(FOLDER, path), 'utf8')]),
);

/** What `systemd-analyze verify` has to say; null where it is not installed. */
function complaints(t: TestContext, files: ReadonlyMap<string, string>): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'outrider-units-'));
  t.after(() => rmSync(folder, { recursive: true }));
  for (const [path, text] of files) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    // The programs are not where they will be.
    writeFileSync(join(folder, path), text.replace(/^(Exec\w+=-?)\/\S+/gm, '$1/bin/true'));
  }
  const names = [...files.keys()].filter(path => path.endsWith('.service'));
  const { error, status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', ...names], {
    cwd: folder,
    encoding: 'utf8',
    env: { ...process.env, SYSTEMD_UNIT_PATH: `${folder}:` },
  });
  if (error !== undefined) {
    t.skip(`systemd-analyze can not be run: ${error.message}`);
    return null;
  }
  // What it thinks of units of the machine is not about these.
  const own = `${stdout}${stderr}`.split('\n').filter(line => names.some(name => line.includes(name)));
  return `${own.join('\n')}${status !== 0 && own.length === 0 ? stderr : ''}`;
}

test('systemd finds nothing wrong with the units', t => {
  assert.equal(units.size, 5);
  const said = complaints(t, units);
  if (said !== null) assert.equal(said, '');
});

test('it would', t => {
  const wrong = [...units].map(
    ([path, text]) => [path, text.replace('KillMode=mixed', 'KillMode=mixd')] as const,
  );
  const said = complaints(t, new Map(wrong));
  if (said !== null) assert.match(said, /delivery\.service.*kill mode/i);
});

test('what they run of outrider is a command line that it takes', () => {
  const lines = [...units.values()].flatMap(text =>
    [...text.matchAll(/^Exec\w+=-?\/usr\/local\/bin\/outrider (.*)$/gm)].map(([, line]) => line!.split(' ')),
  );
  assert.ok(lines.length >= 6);
  for (const [name, ...args] of lines) {
    const command = COMMANDS.find(known => known.name === name);
    assert.ok(command !== undefined, name);
    const parsed = parseArguments(command, args, {});
    assert.equal(parsed.kind, 'run', JSON.stringify(parsed));
  }
});

test('sidecars have the time to stop in, and the application is told by outrider run alone', () => {
  const { grace } = configOf('{}').stop;
  for (const [path, text] of units) {
    if (!/^ExecStart=\S+outrider (run|sidecar)/m.test(text)) continue;
    const [, seconds] = /^TimeoutStopSec=(\d+)s$/m.exec(text) ?? [];
    assert.ok(Number(seconds) * 1000 >= grace + BESIDES_GRACE_MS, `${path}: ${seconds}`);
    if (text.includes('outrider run')) assert.match(text, /^KillMode=mixed$/m, path);
  }
});
