import { createServer } from 'node:net';

/**
 * Other ports in place of those that a page names, so that its commands can run beside whatever else uses the
 * machine. Apart from these numbers, the commands run as the page shows them.
 */
export class TourPorts {
  private readonly freeOf: ReadonlyMap<string, string>;

  private constructor(freeOf: ReadonlyMap<string, string>) {
    this.freeOf = freeOf;
  }

  /** Finds a free port for every loopback port that the commands name. */
  static async for(commands: string): Promise<TourPorts> {
    const named = new Set(commands.match(/(?<=127\.0\.0\.1:|localhost:|listen\()\d{4,5}\b/g));
    const freeOf = new Map<string, string>();
    for (const port of named) freeOf.set(port, String(await findFreePort([...freeOf.values()])));
    return new TourPorts(freeOf);
  }

  /** The commands with the ports that are free here. */
  toFree(commands: string): string {
    return replaceNumbers(commands, this.freeOf);
  }

  /** What was printed, with the ports that the page names. */
  toNamed(output: string): string {
    return replaceNumbers(output, new Map([...this.freeOf].map(([named, free]) => [free, named])));
  }
}

function replaceNumbers(text: string, replacements: ReadonlyMap<string, string>): string {
  return text.replaceAll(/\b\d{4,5}\b/g, number => replacements.get(number) ?? number);
}

/** Below the range from which the system takes ports for outgoing connections, so that none takes it meanwhile. */
async function findFreePort(taken: readonly string[]): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (!taken.includes(String(port)) && (await isFree(port))) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
