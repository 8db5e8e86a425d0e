import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseYaml } from '../../../control-plane/contract/yaml-source.ts';

test('merges that would bring in a million keys are refused, and end nothing', () => {
  const keys = Array.from({ length: 2000 }, (_, i) => `  k${i}: 1`).join('\n');
  const merges = Array.from({ length: 500 }, () => '*a').join(', ');
  const { problems } = parseYaml('f', Buffer.from(`x-a: &a\n${keys}\nx-b:\n  <<: [${merges}]\n`), {});
  assert.ok(problems.some(({ message }) => message.includes('merges too much')));
});
