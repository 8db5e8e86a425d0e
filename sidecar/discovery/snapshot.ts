import { listOf, readJson } from '../../control-plane/contract/shape.ts';
import { SERVICE_STATE } from '../../control-plane/contract/watch-messages.ts';
import type { DirectoryState } from './service-directory.ts';

/** What was known of the mesh at a time. */
export interface Snapshot {
  /** ms since 1970 at which it was known to be true. */
  readonly at: number;
  readonly state: DirectoryState;
}

/** A snapshot as it was read from disk, or a sentence on why it is refused. */
export type ReadSnapshot =
  | { readonly ok: true; readonly snapshot: Snapshot }
  | { readonly ok: false; readonly reason: string };

const FORMAT = 1;
const SERVICES = listOf(SERVICE_STATE);

/** An older one is refused: containers' addresses pass to others, and a stale one leads to the wrong service. */
export const SNAPSHOT_MAX_AGE_MS = 24 * 60 * 60 * 1000;

/** One that is from later than this is refused as well: by a clock that was wrong, its age can't be told. */
const SNAPSHOT_MAX_AHEAD_MS = 5 * 60 * 1000;

/**
 * Two lines of JSON: what the file is, with a checksum of the second line; and the services.
 */
export function writeSnapshot({ at, state }: Snapshot): string {
  const body = JSON.stringify(state.services);
  const { epoch, revision } = state;
  const head = { format: FORMAT, at: new Date(at).toISOString(), epoch, revision, sha256: digest(body) };
  return `${JSON.stringify(head)}\n${body}\n`;
}

/** @param now ms since 1970 */
export function readSnapshot(text: string, now: number): ReadSnapshot {
  const [first, body = ''] = text.split('\n');
  try {
    const head = JSON.parse(first) as Record<string, unknown>;
    if (head.format !== FORMAT)
      return refuse(`it has format ${head.format}, and this version reads ${FORMAT}`);
    if (head.sha256 !== digest(body)) return refuse('it is damaged: its checksum does not match');
    const at = Date.parse(String(head.at));
    const age = now - at;
    if (!(age <= SNAPSHOT_MAX_AGE_MS))
      return refuse(`it is too old: from ${head.at}, more than 24 hours ago`);
    if (age < -SNAPSHOT_MAX_AHEAD_MS)
      return refuse(
        `its date lies ahead: ${head.at}; one of the clocks was wrong, so that its age is not known`,
      );
    const { epoch, revision } = head;
    if (typeof epoch !== 'string' || typeof revision !== 'number') return refuse('its first line is damaged');
    const services = readJson(SERVICES, body, 'its second line');
    return { ok: true, snapshot: { at, state: { epoch, revision, services } } };
  } catch (error) {
    return refuse(`it is damaged: ${(error as Error).message}`);
  }
}

function refuse(reason: string): ReadSnapshot {
  return { ok: false, reason };
}

function digest(text: string): string {
  return process.getBuiltinModule('node:crypto').createHash('sha256').update(text).digest('hex');
}
