import packageFile from '../package.json' with { type: 'json' };
import { endProcess } from '../process/process-end.ts';
import { runCommandLine } from './command-line.ts';

/** The program: what `bin/outrider.js` runs from the sources, and what the bundle is made of. */
async function main(): Promise<void> {
  const code = await runCommandLine(process.argv.slice(2), {
    environment: process.env,
    version: packageFile.version,
    print: text => process.stdout.write(text),
    complain: text => process.stderr.write(text),
  });
  // Whatever may still be open is of no interest any more.
  await endProcess(code);
}

void main();
