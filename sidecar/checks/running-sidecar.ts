import { get } from 'node:http';
import { calledLocally, formatHostPort, type HostPort } from '../../control-plane/contract/host-port.ts';
import {
  document,
  listOf,
  Misshapen,
  optional,
  orNull,
  readJson,
  record,
  type Shape,
  type Shaped,
  text,
  toggle,
} from '../../control-plane/contract/shape.ts';
import type { SidecarConfig } from '../config/sidecar-config.ts';
import { type Finding, failed, ok, skipped } from './finding.ts';

/** What a sidecar that runs tells of itself. */
export interface RunningSidecar {
  /** Where it was asked. */
  readonly address: string;
  readonly info: Shaped<typeof INFO>;
  readonly readiness: Shaped<typeof READINESS>;
  /** Its configuration as a sidecar file in JSON; secrets are hidden. */
  readonly inForce: string;
  /** Why a later one was refused; null where none was. */
  readonly refused: string | null;
}

const INFO = record({
  version: text(),
  state: text(),
  discovery: orNull(
    record({
      connected: toggle(),
      problem: optional(text(), ''),
      registration: orNull(
        record({ address: orNull(text()), status: orNull(text()), problem: orNull(text()) }),
      ),
    }),
  ),
});
const READINESS = record({ ready: toggle(), reasons: listOf(text()) });
const CONFIG = record({ inForce: document(), refused: orNull(record({ reason: text() })) });

/** Asks the sidecar whose admin API is there. @returns null where there is none */
export async function findRunningSidecar(admin: HostPort, timeoutMs: number): Promise<RunningSidecar | null> {
  const at = calledLocally(admin);
  const ask = <T>(path: string, shape: Shape<T>) => askJson(at, path, shape, timeoutMs);
  const [info, readiness, config] = await Promise.all([
    ask('/v1/info', INFO),
    ask('/readyz', READINESS),
    ask('/v1/config', CONFIG),
  ]);
  if (info === null || readiness === null || config === null) return null;
  const inForce = asFile(config.inForce);
  return { address: formatHostPort(at), info, readiness, inForce, refused: config.refused?.reason ?? null };
}

/** In a file, what there is none of is not there, and nothing is a reference to the environment that was none. */
function asFile(inForce: object): string {
  return JSON.stringify(inForce, (_, value) => value ?? undefined).replaceAll('${', '$${');
}

const MAX_ANSWER = 4 * 1024 * 1024;

function askJson<T>(
  { host, port }: HostPort,
  path: string,
  shape: Shape<T>,
  timeoutMs: number,
): Promise<T | null> {
  return new Promise(resolve => {
    const signal = AbortSignal.timeout(timeoutMs);
    const request = get({ host, port, path, agent: false, signal }, answer => {
      let received = '';
      answer.setEncoding('utf8').on('data', (chunk: string) => {
        if (received.length < MAX_ANSWER) received += chunk;
      });
      answer.on('error', () => resolve(null));
      answer.on('end', () => resolve(readAs(shape, received)));
    });
    request.on('error', () => resolve(null));
  });
}

function readAs<T>(shape: Shape<T>, received: string): T | null {
  try {
    return readJson(shape, received, 'the answer');
  } catch (error) {
    if (error instanceof Misshapen) return null;
    throw error;
  }
}

/** What the sidecar that runs says is in its way. */
export function judgeSidecar(running: RunningSidecar | null, admin: SidecarConfig['admin']): Finding {
  if (running === null)
    return skipped(
      admin === null
        ? 'its admin API is off, so whether one runs is not known'
        : `none answers at ${formatHostPort(admin)}`,
    );
  const { info, readiness, refused, address } = running;
  const { version, discovery } = info;
  const registration = discovery?.registration ?? null;
  const problems = [
    ...(refused === null ? [] : [`a changed configuration is refused: ${refused}`]),
    ...readiness.reasons,
    ...(discovery !== null && discovery.problem !== '' ? [discovery.problem] : []),
    ...(registration === null || registration.problem === null ? [] : [registration.problem]),
  ];
  if (problems.length > 0)
    return failed(
      `version ${version} runs, and says: ${problems.join(' ')}`,
      'See the other checks, and its log (docker compose logs, journalctl).',
    );
  const registered =
    registration === null
      ? ''
      : `, the application is registered as ${registration.status} at ${registration.address}`;
  return ok(`version ${version} runs and is ready (${address})${registered}`);
}
