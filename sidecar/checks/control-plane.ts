import { SERVICE_PAGE } from '../../control-plane/contract/answers.ts';
import { type ApiCall, readiness } from '../../control-plane/contract/calls.ts';
import { type ApiAnswer, ControlPlaneApi, type ControlPlaneTarget } from '../discovery/control-plane-api.ts';
import { WatchConnection } from '../discovery/watch-connection.ts';
import { type Finding, failed, ok, skipped } from './finding.ts';

/** What came of opening the stream that a sidecar lives on. */
interface OpenedWatch {
  /** Completes "the control plane …"; null where it opened. */
  readonly problem: string | null;
  /** By which the control plane is reached from here; null where it is not. */
  readonly localAddress: string | null;
}

/** What a control plane said to all that it was asked. */
interface ControlPlaneAnswers {
  readonly url: string;
  readonly ready: ApiAnswer<unknown>;
  /** To a call that takes the token of a sidecar. */
  readonly read: ApiAnswer<unknown>;
  readonly watch: OpenedWatch;
}

/** Asks as a sidecar would, and leaves nothing behind. */
export async function askControlPlane(
  target: ControlPlaneTarget,
  timeoutMs: number,
): Promise<ControlPlaneAnswers> {
  const api = new ControlPlaneApi(target);
  const [ready, read, watch] = await Promise.all([
    api.call(readiness(), null, timeoutMs),
    api.call(A_SERVICE, null, timeoutMs),
    openWatch(target, timeoutMs),
  ]);
  return { url: target.url, ready, read, watch };
}

const A_SERVICE: ApiCall<unknown> = { method: 'GET', path: '/v1/services?limit=1', answer: SERVICE_PAGE };

function openWatch(target: ControlPlaneTarget, timeoutMs: number): Promise<OpenedWatch> {
  return new Promise(resolve => {
    const timer = setTimeout(() => connection.close(`did not answer within ${timeoutMs} ms`), timeoutMs);
    const connection = new WatchConnection(target, {
      onOpen() {
        resolve({ problem: null, localAddress: connection.localAddress });
        connection.close('was only asked whether it is there');
      },
      onMessages() {},
      onClosed(problem) {
        clearTimeout(timer);
        resolve({ problem, localAddress: null });
      },
    });
  });
}

/** Whether it is there, and lets sidecars open their stream. */
export function judgeControlPlane({ url, ready, read, watch }: ControlPlaneAnswers): Finding {
  if (!ready.ok) {
    const isThere = ready.status > 0;
    return failed(
      `the control plane at ${url} ${ready.problem}`,
      isThere
        ? 'Its log says why; or correct controlPlane.url (--control-plane), if that is another program.'
        : 'Start it, or correct controlPlane.url (--control-plane). It has to listen where others reach it (outrider control-plane --listen 0.0.0.0:7600); in compose, both have to be in one network.',
    );
  }
  // Where the token is refused, that is told once, as such.
  if (watch.problem !== null && read.ok)
    return failed(
      `the control plane at ${url} answers, but the stream to it does not open: it ${watch.problem}`,
      'What is between here and there, such as a proxy, has to let HTTP upgrades to /v1/watch through.',
    );
  return ok(`${url} is ready${watch.localAddress === null ? '' : `, reached from ${watch.localAddress}`}`);
}

/**
 * Whether it takes the token.
 * @param isConnected what the sidecar that runs says of its stream; null where none runs
 * @param token null where the running sidecar has one that it does not tell
 */
export function judgeToken(
  { ready, read }: ControlPlaneAnswers,
  token: string | null,
  isConnected: boolean | null,
): Finding {
  if (token === null && isConnected) return ok('the sidecar that runs is connected with its own');
  if (read.ok) return ok(token === '' ? 'none is needed' : 'accepted');
  if (read.status !== 401 && read.status !== 403)
    return ready.ok
      ? failed(`the control plane ${read.problem}`, "The control plane's log says why.")
      : skipped('the control plane does not answer');
  if (token === null)
    return skipped('the sidecar that runs does not tell its token: set OUTRIDER_TOKEN for this command too');
  return failed(
    token === '' ? 'the control plane asks for a token, and there is none' : 'the control plane refuses it',
    'Set OUTRIDER_TOKEN (controlPlane.token) to what the control plane has as OUTRIDER_SIDECAR_TOKEN.',
  );
}
