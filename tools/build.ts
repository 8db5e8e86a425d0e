/**
 * Bundles `outrider` into one file that needs nothing but Node: `npm run build` writes dist/outrider.js, its source map,
 * and dist/NOTICES with the licences of what is in it. CommonJS, since on Node 20 it starts in half the time that the
 * same takes as an ES module, and since a file called .js that lies alone somewhere is taken for CommonJS.
 */
import { chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));

/** Bundles the command of the checkout at `root` into the folder `outdir`, which is made where it is missing. */
export async function buildBundle(root: string, outdir: string): Promise<void> {
  const outfile = resolve(root, outdir, 'outrider.js');
  const { metafile, warnings } = await build({
    absWorkingDir: root,
    entryPoints: ['bin/outrider.ts'],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20.18',
    format: 'cjs',
    // Stack traces have to make sense without the map; parsing is a small part of the start.
    minify: false,
    sourcemap: 'external',
    metafile: true,
    banner: { js: '#!/usr/bin/env node' },
    logLevel: 'warning',
  });
  if (warnings.length > 0) throw new Error('the bundle would not behave as the sources do, see above');
  chmodSync(outfile, 0o755);
  // The package is one of ES modules; without this the bundle within the checkout would be taken for one.
  writeFileSync(join(dirname(outfile), 'package.json'), '{ "type": "commonjs" }\n');
  writeFileSync(join(dirname(outfile), 'NOTICES'), describeLicences(root, Object.keys(metafile.inputs)));
}

/** The licences of the packages that the bundled files come from, in full. */
function describeLicences(root: string, inputs: readonly string[]): string {
  const folders = new Set(inputs.flatMap(input => input.match(PACKAGE_FOLDER) ?? []));
  const sections = [...folders].sort().map(folder => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'));
    const file = readdirSync(join(root, folder)).find(entry => /^licen[cs]e(\.|$)/i.test(entry));
    const text = file === undefined ? '' : `\n${readFileSync(join(root, folder, file), 'utf8').trim()}\n`;
    return `${name} ${version} (${license})\n${text}`;
  });
  return ['Outrider contains the following software.\n', ...sections].join(`\n${'-'.repeat(80)}\n\n`);
}

const PACKAGE_FOLDER = /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/;

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildBundle(ROOT, 'dist');
