import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Absent, ProxyOrder, TestedProxy } from '../../bench/peers/tested-proxy.ts';
import type { Needs } from '../scenarios.ts';

/** A proxy that is on this machine, set up as somebody would who knows it well and wants callers to see no failure. */
export interface TunedProxy {
  readonly name: string;
  readonly version: string;
  /** With the settings for a scenario. */
  tunedFor(needs: Needs): TestedProxy;
}

/**
 * A proxy started as the bench starts it, with another configuration; what is not on this machine stays so.
 * @param file the name of its configuration
 */
export function retuned(
  plain: TestedProxy | Absent,
  file: string,
  configure: (needs: Needs, order: ProxyOrder) => string,
): TunedProxy | Absent {
  if ('absent' in plain) return plain;
  return {
    ...plain,
    tunedFor: needs => ({
      ...plain,
      prepare(order) {
        const command = plain.prepare(order);
        writeFileSync(join(order.folder, file), configure(needs, order));
        return command;
      },
    }),
  };
}
