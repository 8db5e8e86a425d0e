import packageFile from '../package.json' with { type: 'json' };
import { endProcess } from '../process/process-end.ts';
import { runCommandLine } from './command-line.ts';

/** The program: what `bin/outrider.js` runs from the sources, and what the bundle is made of. */
async function main(): Promise<void> {
  const printed = new Set<NodeJS.WriteStream>();
  // A stream is not touched before there is something to print: Node changes how its file behaves, which an application may share.
  const printTo = (stream: NodeJS.WriteStream, text: string) => {
    // A reader that went away (`| head`) ends nothing.
    if (!printed.has(stream)) stream.on('error', () => {});
    printed.add(stream);
    stream.write(text);
  };
  const code = await runCommandLine(process.argv.slice(2), {
    environment: process.env,
    version: packageFile.version,
    print: text => printTo(process.stdout, text),
    complain: text => printTo(process.stderr, text),
  });
  await Promise.all([...printed].map(taken));
  // Whatever may still be open is of no interest any more.
  await endProcess(code);
}

/** Waits until the reader of a pipe has taken what was printed, or is gone. */
async function taken(stream: NodeJS.WriteStream): Promise<void> {
  if (stream.writableLength > 0) await new Promise<unknown>(resolve => stream.write('', resolve));
}

void main();
