import type { Command } from '../child-processes.ts';

/** A proxy that the bench can put under test. */
export interface TestedProxy {
  readonly name: string;
  readonly version: string;
  /** Writes what the proxy needs into the order's folder and says how to start it. */
  prepare(order: ProxyOrder): Command;
}

/** Where the proxy listens, what it forwards to, and a folder of its own for the time it runs. */
export interface ProxyOrder {
  readonly port: number;
  /** Free for the proxy's own API, for one that has it switched on by default. */
  readonly adminPort: number;
  readonly upstreams: readonly number[];
  readonly folder: string;
}

/** A proxy that is not on this machine, and what would bring it here. */
export interface Absent {
  readonly name: string;
  readonly absent: string;
}
