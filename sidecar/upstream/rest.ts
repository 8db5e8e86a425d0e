import type { Endpoint } from './endpoint.ts';

/** A connection, as far as its rest is concerned. */
export interface Resting {
  readonly endpoint: Endpoint;
  /** Its answer has ended a moment ago; whoever closes it sets this to false. */
  isResting: boolean;
  /** Turns of the event loop that have ended since then. */
  turnsRested: number;
}

/** Told of connections that have rested enough. */
export interface RestOwner<Connection> {
  /** Whether somebody waits already who would be given the connection at once. */
  isWaitedFor(connection: Connection): boolean;
  onRested(connection: Connection): void;
}

/**
 * Keeps connections whose answer has just ended from the next request until the turn of the event loop is over: what the endpoint
 * has sent behind its answer may not have been read yet, and would be taken for the next answer. A connection that somebody waits
 * for rests for one more turn, so that the sockets have been looked at once more by then.
 */
export class Rest<Connection extends Resting> {
  private readonly owner: RestOwner<Connection>;
  private readonly afterTurn: (run: () => void) => void;
  private readonly connections: Connection[] = [];

  /** @param afterTurn has `run` called once all sockets that are ready in this turn have been read */
  constructor(owner: RestOwner<Connection>, afterTurn: (run: () => void) => void) {
    this.owner = owner;
    this.afterTurn = afterTurn;
  }

  add(connection: Connection): void {
    connection.isResting = true;
    connection.turnsRested = 0;
    if (this.connections.push(connection) === 1) this.afterTurn(this.endTurn);
  }

  /** How many connections to the endpoint rest. */
  count(endpoint: Endpoint): number {
    return this.connections.filter(resting => resting.isResting && resting.endpoint === endpoint).length;
  }

  private readonly endTurn = (): void => {
    const { owner, connections } = this;
    let kept = 0;
    for (const connection of connections) {
      // Closed meanwhile.
      if (!connection.isResting) continue;
      if (connection.turnsRested++ === 0 && owner.isWaitedFor(connection)) {
        connections[kept++] = connection;
        continue;
      }
      connection.isResting = false;
      owner.onRested(connection);
    }
    connections.length = kept;
    if (kept > 0) this.afterTurn(this.endTurn);
  };
}
