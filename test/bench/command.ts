/** What the commands that measure do alike: `npm run bench`, `npm run bench -- control-plane`, `npm run faults`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/**
 * Does what the command line asks for.
 * @param parse reads it; throws with a sentence for the user
 * @returns the exit code: 2 where it was not understood
 */
export async function withOptions<Options extends object>(
  args: readonly string[],
  parse: (args: readonly string[]) => Options | 'help',
  usage: string,
  run: (options: Options) => Promise<number>,
): Promise<number> {
  let options: Options | 'help';
  try {
    options = parse(args);
  } catch (error) {
    console.error(`${(error as Error).message}\n\n${usage}`);
    return 2;
  }
  if (options !== 'help') return await run(options);
  console.log(usage);
  return 0;
}

/** A folder that is gone when the process ends, however that happens. Once per process. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `outrider-${name}-`));
  process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
  // The reader of a pipe has seen enough.
  process.stdout.on('error', () => process.exit(1));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
  return folder;
}

/** One line on the terminal that says what runs. */
export function progress(text: string): void {
  if (process.stderr.isTTY) process.stderr.write(`\r\x1b[K${text}`);
}

/** Ends the process with the exit code that `main` comes to. */
export function exitWith(main: Promise<number>): void {
  main.then(
    code => process.exit(code),
    (error: Error) => {
      console.error(error.message);
      process.exit(1);
    },
  );
}
