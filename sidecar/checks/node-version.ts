import { type Finding, failed, ok } from './finding.ts';

/** What `engines` in package.json says. */
export const NEEDED_NODE = '20.18.1';

/** @param running such as `24.11.0` */
export function checkNodeVersion(running: string): Finding {
  const parts = (version: string) => version.split('.').map(Number);
  const [is, needed] = [parts(running), parts(NEEDED_NODE)];
  const differs = needed.findIndex((part, i) => part !== is[i]);
  if (differs === -1 || is[differs] > needed[differs]) return ok(`Node.js ${running}`);
  return failed(
    `Node.js ${running} is older than ${NEEDED_NODE}`,
    `Install Node.js ${NEEDED_NODE} or a later one, best the current LTS; in a container, take a later base image.`,
  );
}
