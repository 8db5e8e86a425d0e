/** A connection, as far as its rest is concerned. */
export interface Resting {
  /** Its answer has ended a moment ago; whoever closes it sets this to false. */
  isResting: boolean;
  /** Turns of the event loop that have ended since then. */
  turnsRested: number;
}

/** Told of connections that have rested enough. */
export interface RestOwner<Connection> {
  /** Whether somebody waits who might be given the connection at once. */
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
  /** Those that rest are the first `resting`; a list that is cut to length is allocated anew, which shows in a profile. */
  private readonly connections: (Connection | null)[] = [];
  private resting = 0;

  /** @param afterTurn has `run` called once all sockets that are ready in this turn have been read */
  constructor(owner: RestOwner<Connection>, afterTurn: (run: () => void) => void) {
    this.owner = owner;
    this.afterTurn = afterTurn;
  }

  add(connection: Connection): void {
    connection.isResting = true;
    connection.turnsRested = 0;
    this.connections[this.resting++] = connection;
    if (this.resting === 1) this.afterTurn(this.endTurn);
  }

  /** How many connections rest, those included that were closed in this turn. */
  get length(): number {
    return this.resting;
  }

  private readonly endTurn = (): void => {
    const { owner, connections } = this;
    let kept = 0;
    for (let index = 0; index < this.resting; index++) {
      const connection = connections[index];
      connections[index] = null;
      // Closed meanwhile.
      if (connection === null || !connection.isResting) continue;
      if (connection.turnsRested++ === 0 && owner.isWaitedFor(connection)) {
        connections[kept++] = connection;
        continue;
      }
      connection.isResting = false;
      owner.onRested(connection);
    }
    this.resting = kept;
    if (kept > 0) this.afterTurn(this.endTurn);
  };
}
