import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { transformSync } from 'esbuild';
import { LogDestination } from '../../process/log-destination.ts';

/** More than any pipe holds. */
const MUCH = 4 * 1024 * 1024;
const LINE = `${'x'.repeat(99)}\n`;

describe('LogDestination', () => {
  let directory: string;
  const opened: number[] = [];

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), 'outrider-log-'));
  });

  afterEach(() => {
    for (const fd of opened.splice(0)) closeSync(fd);
    rmSync(directory, { recursive: true });
  });

  function open(path: string, flags: number): number {
    const fd = openSync(path, flags, 0o600);
    opened.push(fd);
    return fd;
  }

  /** Both ends of a pipe. */
  function aPipe(): { reader: number; writer: number } {
    const path = join(directory, 'pipe');
    execFileSync('mkfifo', [path]);
    const reader = open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    return { reader, writer: open(path, constants.O_WRONLY) };
  }

  function closeReader(reader: number): void {
    opened.splice(opened.indexOf(reader), 1);
    closeSync(reader);
  }

  /** What can be read now. */
  function read(reader: number): string {
    const buffer = Buffer.alloc(1024 * 1024);
    let text = '';
    for (;;) {
      try {
        const length = readSync(reader, buffer);
        if (length === 0) return text;
        text += buffer.toString('utf8', 0, length);
      } catch {
        return text;
      }
    }
  }

  function linesOf(...from: number[]): string[] {
    return from.map(n => `line ${n} é\n`);
  }

  test('writes lines in order', async () => {
    const { reader, writer } = aPipe();
    const destination = new LogDestination({ fd: writer, maxWaiting: MUCH });
    for (const line of linesOf(1, 2, 3)) destination.write(line);
    assert.equal(await destination.close(5000), true);
    assert.equal(read(reader), linesOf(1, 2, 3).join(''));
    assert.equal(destination.dropped, 0);
  });

  test('appends to a file', async () => {
    const path = join(directory, 'file');
    const fd = open(path, constants.O_WRONLY | constants.O_CREAT | constants.O_APPEND);
    const destination = new LogDestination({ fd, maxWaiting: MUCH });
    destination.write('one\n');
    assert.equal(await destination.close(5000), true);
    const next = new LogDestination({ fd, maxWaiting: MUCH });
    next.write('two\n');
    assert.equal(await next.close(5000), true);
    assert.equal(readFileSync(path, 'utf8'), 'one\ntwo\n');
  });

  test('a reader that is slow gets everything that found room, in whole lines', async () => {
    const { reader, writer } = aPipe();
    const destination = new LogDestination({ fd: writer, maxWaiting: 300_000 });
    for (let i = 0; i < 10_000; i++) destination.write(LINE);
    assert.equal(destination.dropped, 7000);
    let text = '';
    const reading = setInterval(() => {
      text += read(reader);
    }, 5);
    assert.equal(await destination.close(10_000), true);
    clearInterval(reading);
    text += read(reader);
    assert.equal(text, LINE.repeat(3000));
  });

  test('a reader that reads nothing costs lines, and closing ends all the same', async () => {
    const { writer } = aPipe();
    const destination = new LogDestination({ fd: writer, maxWaiting: 1_000_000 });
    for (let i = 0; i < 9000; i++) destination.write(LINE);
    assert.equal(await destination.close(100), false);
    assert.ok(destination.dropped > 7000 && destination.dropped <= 9000, `${destination.dropped} dropped`);
    destination.write(LINE);
    assert.equal(await destination.close(100), true, 'closing twice is nothing');
  });

  test('a reader that is gone costs lines and nothing else', async () => {
    const { reader, writer } = aPipe();
    closeReader(reader);
    const destination = new LogDestination({ fd: writer, maxWaiting: MUCH });
    destination.write(LINE);
    while (destination.dropped === 0) await new Promise(resolve => setImmediate(resolve));
    destination.write(LINE);
    assert.equal(destination.dropped, 2);
    assert.equal(await destination.close(5000), true);
  });

  test('does not make the descriptor non-blocking for others who have it', async () => {
    const { writer } = aPipe();
    const flags = () => readFileSync(`/proc/self/fdinfo/${writer}`, 'utf8');
    const before = flags();
    const destination = new LogDestination({ fd: writer, maxWaiting: MUCH });
    destination.write(LINE);
    destination.flushSync();
    assert.equal(flags(), before);
    await destination.close(1000);
  });

  test('what waits is written at once when the process has to end', async () => {
    const { reader, writer } = aPipe();
    const destination = new LogDestination({ fd: writer, maxWaiting: MUCH });
    destination.write('last words\n');
    destination.flushSync();
    assert.equal(read(reader), 'last words\n');
    await destination.close(1000);
    assert.equal(read(reader), '');
  });

  test('a process whose reader is stuck can end', { timeout: 20_000 }, async () => {
    const { writer } = aPipe();
    const source = new URL('../../process/log-destination.ts', import.meta.url);
    const script = `
      const { LogDestination } = await import(${JSON.stringify(source.href)});
      const destination = new LogDestination({ fd: 1, maxWaiting: ${MUCH} });
      for (let i = 0; i < 20_000; i++) destination.write(${JSON.stringify(LINE)});
      setTimeout(() => process.exit(7), 50);
    `;
    const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', script], {
      stdio: ['ignore', writer, 'inherit'],
    });
    const [code] = await once(child, 'exit');
    assert.equal(code, 7);
  });

  test('so can one whose reader is stuck behind a socket, as from systemd', { timeout: 20_000 }, async () => {
    const source = new URL('../../process/log-destination.ts', import.meta.url);
    // Not by tsx: that one makes standard output non-blocking itself.
    const { code: program } = transformSync(readFileSync(source, 'utf8'), { loader: 'ts', format: 'esm' });
    const script = `${program}
      const destination = new LogDestination({ fd: 1, maxWaiting: ${MUCH} });
      for (let i = 0; i < 20_000; i++) destination.write(${JSON.stringify(LINE)});
      setTimeout(() => process.exit(7), 50);
    `;
    // What the runtime calls a pipe to a child is a pair of sockets.
    const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    child.stdout?.pause();
    const guard = setTimeout(() => child.kill('SIGKILL'), 15_000);
    const [code] = await once(child, 'exit');
    clearTimeout(guard);
    assert.equal(code, 7);
    child.stdout?.destroy();
  });
});
