import { formatHostPort, isLoopback } from '../../control-plane/contract/host-port.ts';
import type { AppConfig } from '../config/sidecar-config.ts';
import { checkApp } from '../registration/app-check.ts';
import { type Finding, failed, ok, skipped } from './finding.ts';

/**
 * Whether connections come up at the address that others will be told. That they do from here does not say that they do from elsewhere.
 * @param localAddress by which the control plane is reached; null where it is not
 */
export async function checkAdvertisedAddress(
  { port: appPort, advertise }: AppConfig,
  localAddress: string | null,
  timeoutMs: number,
): Promise<Finding> {
  const host = advertise?.host ?? localAddress;
  if (host === null)
    return skipped(
      'app.advertise is auto, the address that a sidecar reaches the control plane from: no stream to it opens from here',
    );
  const port = advertise?.port ?? appPort;
  const address = formatHostPort({ host, port });
  const look = (at: string, on: number) =>
    checkApp(on, { path: null, timeout: timeoutMs, interval: timeoutMs }, new AbortController().signal, at);
  const [problem, locally] = await Promise.all([look(host, port), look('127.0.0.1', appPort)]);
  if (problem === null)
    return ok(isLoopback(host) ? `${address}, which nobody but this machine reaches` : address);
  const cause = `${address} is what others are told, and there the application ${problem}`;
  if (locally !== null) return failed(cause, 'Start the application.');
  return failed(
    `${cause}, though it does on 127.0.0.1:${appPort}`,
    advertise === null
      ? 'Let the application listen on 0.0.0.0, not on 127.0.0.1 alone.'
      : 'Correct app.advertise, or let the application listen there: on 0.0.0.0, not on 127.0.0.1 alone. A published port has to lead to it.',
  );
}
