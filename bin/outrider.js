#!/usr/bin/env node
/** Runs `outrider`: in a clone from its sources, by tsx; where there are none, from the bundle. */
import { existsSync } from 'node:fs';

const sources = new URL('./outrider.ts', import.meta.url);

if (existsSync(sources)) {
  const { register } = await import('tsx/esm/api').catch(() => {
    console.error('outrider: its dependencies are missing; run npm install in its folder first');
    process.exit(1);
  });
  register();
  await import(sources.href);
} else {
  await import('../dist/outrider.js');
}
