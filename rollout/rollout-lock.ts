import { createHash } from 'node:crypto';
import { createServer, type Server } from 'node:net';

/**
 * Lets one roll-out at a time work on the containers of a service: of two, each would take away what the other one has started. The lock is a
 * socket that listens at an abstract name (unix(7)): it ends with its process, however that ends, and all users of the machine see it. Only
 * Linux has such names. Elsewhere, and on another machine that works with the same engine, nobody is kept away.
 */
export class RolloutLock {
  private readonly server: Server | null;

  private constructor(server: Server | null) {
    this.server = server;
  }

  /**
   * @param what names what is locked: the engine, the project, the service
   * @returns null where another process has it
   */
  static take(what: readonly string[]): Promise<RolloutLock | null> {
    if (process.platform !== 'linux') return Promise.resolve(new RolloutLock(null));
    // A name may have 107 bytes.
    const name = createHash('sha256').update(JSON.stringify(what)).digest('hex');
    const server = createServer(socket => socket.destroy());
    return new Promise(resolve => {
      server.once('listening', () => resolve(new RolloutLock(server)));
      server.once('error', (error: NodeJS.ErrnoException) =>
        resolve(error.code === 'EADDRINUSE' ? null : new RolloutLock(null)),
      );
      server.listen(`\0outrider-rollout-${name}`).unref();
    });
  }

  release(): void {
    this.server?.close();
  }
}
