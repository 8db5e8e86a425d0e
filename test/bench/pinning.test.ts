import assert from 'node:assert/strict';
import { test } from 'node:test';
import { allowedCores, pinned } from './pinning.ts';

test('reads which cores a process may use', () => {
  assert.deepEqual(
    allowedCores('Name:\tnode\nCpus_allowed_list:\t0-2,5,7-8\nMems_allowed:\t1\n'),
    [0, 1, 2, 5, 7, 8],
  );
  assert.deepEqual(allowedCores('Name:\tnode\n'), []);
});

test('binds a command to a core, or leaves it as it is', () => {
  const command = { program: 'haproxy', args: ['-db'] };
  const pinning = { proxyCore: 3, loadCore: 1, taskset: '/usr/bin/taskset' };
  assert.deepEqual(pinned(command, pinning, 'proxyCore'), {
    program: '/usr/bin/taskset',
    args: ['-c', '3', 'haproxy', '-db'],
  });
  assert.equal(pinned(command, null, 'proxyCore'), command);
});
