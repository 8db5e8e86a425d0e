import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { outriderCommand } from '../../../../examples/shop/runner/outrider-command.ts';

describe('the command of a sidecar', () => {
  let root: string;

  function write(path: string, atSeconds: number): void {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), '');
    utimesSync(join(root, path), atSeconds, atSeconds);
  }

  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'outrider-test-'));
    write('sidecar/http1/framing.ts', 1000);
    write('control-plane/contract/policy.ts', 1000);
  });
  afterEach(() => rmSync(root, { recursive: true }));

  it('is the bundle where that is newer than the sources', () => {
    write('dist/outrider.js', 2000);
    assert.deepEqual(outriderCommand(root), [join(root, 'dist/outrider.js')]);
  });

  it('is the sources where there is no bundle', () => {
    assert.deepEqual(outriderCommand(root), [join(root, 'bin/outrider.js')]);
  });

  it('is the sources where the bundle is older than one of them', () => {
    write('dist/outrider.js', 2000);
    write('sidecar/http1/framing.ts', 3000);
    assert.equal(outriderCommand(root)[0], join(root, 'bin/outrider.js'));
  });
});
