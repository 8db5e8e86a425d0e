#!/usr/bin/env node
/** Runs `outrider`: in a clone from its sources, by tsx; where there are none, from the bundle. */
import './require-node.js';
import { existsSync } from 'node:fs';

const sources = new URL('./outrider.ts', import.meta.url);

if (existsSync(sources)) {
  // In a clone where nothing was installed yet, this is the first command.
  const { register } = await import('tsx/esm/api').catch(async () => {
    await import('../tools/install.mjs');
    return await import('tsx/esm/api');
  });
  register();
  await import(sources.href);
} else {
  await import('../dist/outrider.js');
}
