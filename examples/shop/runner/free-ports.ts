import { createServer } from 'node:net';

const FIRST = 20_000;
const LAST = 31_999;

/**
 * Finds ports that nobody listens on. They lie below the range from which the kernel takes the local ports of outgoing
 * connections: a port of that range could be taken by one while its instance is being restarted.
 */
export class FreePorts {
  private next: number;

  /** @param random 0 to 1, so that two runs on one machine do not begin with the same port */
  constructor(random: () => number = Math.random) {
    this.next = FIRST + Math.floor(random() * (LAST - FIRST));
  }

  /** A port that was not handed out before. */
  async take(): Promise<number> {
    for (let tried = FIRST; tried <= LAST; tried++) {
      const port = this.next;
      this.next = port === LAST ? FIRST : port + 1;
      if (await isFree(port)) return port;
    }
    throw new Error(`no port from ${FIRST} to ${LAST} is free`);
  }
}

/** Whether one could listen on this port of 127.0.0.1 right now. */
export function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer();
    probe.once('error', () => resolve(false));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  });
}
