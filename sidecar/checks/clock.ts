import { hostLookup } from '../io/host-lookup.ts';
import { requestTo } from '../io/request-to.ts';
import { type Finding, failed, ok, skipped } from './finding.ts';

/** Two clocks may differ by so much; beyond that their logs can't be read side by side, and certificates and ages are misjudged. */
export const MOST_DIFFERENCE_MS = 5000;
/** `Date` tells whole seconds. */
const DATE_STEP_MS = 1000;

/** An answer of the control plane, and when it came by the own clock, in ms since 1970. */
interface DatedAnswer {
  /** Its `Date` field. */
  readonly date: string | null;
  readonly sentAt: number;
  readonly receivedAt: number;
}

/** Whether this machine's clock agrees with the control plane's. @param url of the control plane */
export async function checkClock(url: string, timeoutMs: number): Promise<Finding> {
  const answer = await askDate(url, timeoutMs);
  return answer === null
    ? skipped('the control plane does not answer, so its clock is not known')
    : judgeClock(answer);
}

/** Only a difference that is certain counts. */
export function judgeClock({ date, sentAt, receivedAt }: DatedAnswer): Finding {
  const told = Date.parse(date ?? '');
  if (Number.isNaN(told)) return skipped('the control plane does not say what time it is');
  const ahead = told - receivedAt;
  const behind = sentAt - (told + DATE_STEP_MS);
  const difference = Math.max(ahead, behind, 0);
  if (difference <= MOST_DIFFERENCE_MS)
    return ok(
      difference === 0
        ? "agrees with the control plane's to the second"
        : `differs from the control plane's by ${inSeconds(difference)}, at most ${inSeconds(MOST_DIFFERENCE_MS)} are fine`,
    );
  const how = ahead > behind ? 'behind' : 'ahead of';
  return failed(
    `it is ${inSeconds(difference)} ${how} the control plane's, at most ${inSeconds(MOST_DIFFERENCE_MS)} are fine: times in logs, and ages, can not be compared`,
    'Let both machines keep their clocks by NTP (chrony, systemd-timesyncd): timedatectl set-ntp true.',
  );
}

function inSeconds(ms: number): string {
  return `${(ms / 1000).toFixed(1)} s`;
}

function askDate(url: string, timeoutMs: number): Promise<DatedAnswer | null> {
  const send = requestTo(url);
  return new Promise(resolve => {
    const sentAt = Date.now();
    const signal = AbortSignal.timeout(timeoutMs);
    const request = send(`${url}/healthz`, { agent: false, lookup: hostLookup.lookup, signal });
    request.on('error', () => resolve(null));
    request.on('response', answer => {
      answer.on('error', () => {});
      resolve({ date: answer.headers.date ?? null, sentAt, receivedAt: Date.now() });
      request.destroy();
    });
    request.end();
  });
}
