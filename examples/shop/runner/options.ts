import { parseArgs } from 'node:util';
import { SERVICES } from './plan.ts';

/** What the runner was asked to do. */
export interface Options {
  /** Milliseconds after which the run ends by itself; null runs until it is told to stop. */
  readonly forMs: number | null;
  /** Requests per second that are sent to the gateway. */
  readonly rate: number;
  /** Whether instances are killed now and then. */
  readonly kills: boolean;
  /** A service of which all instances are away for a while, instead of the kills; null: none. */
  readonly outage: string | null;
  /** The gateway's port; null takes 8080 where it is free. */
  readonly port: number | null;
}

/** An argument that makes no sense; the message is for the person who typed it. */
export class UsageError extends Error {}

export const USAGE = `npm start -- [OPTIONS]

Runs the shop: every service as processes of its own, a sidecar beside each, steady traffic, and an instance killed now and then.

  --for DURATION   end after this time (20s, 5m), exit 0 only if no request failed; without it, run until Ctrl-C
  --rate N         requests per second, 1 to 2000 (50)
  --no-kills       leave the instances alone
  --outage SERVICE instead, kill all instances of this service 5 s after the opening, and start them again 6 s later
  --port PORT      where the gateway listens (8080, or another one if that is taken)
  --help           show this
`;

const MS_OF_UNIT: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/**
 * Reads the command line.
 * @returns null where only help is asked for
 * @throws UsageError
 */
export function parseOptions(args: readonly string[]): Options | null {
  const { values } = parse(args);
  if (values.help === true) return null;
  return {
    forMs: values.for === undefined ? null : durationOf(values.for),
    rate: values.rate === undefined ? 50 : integerOf('--rate', values.rate, 1, 2000),
    kills: values['no-kills'] !== true && values.outage === undefined,
    outage: values.outage === undefined ? null : serviceOf(values.outage),
    port: values.port === undefined ? null : integerOf('--port', values.port, 1, 65_535),
  };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        for: { type: 'string' },
        rate: { type: 'string' },
        'no-kills': { type: 'boolean' },
        outage: { type: 'string' },
        port: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    // Node adds advice after the first sentence that fits no option of ours.
    const [sentence] = (error as Error).message.split('. ', 1);
    throw new UsageError(sentence);
  }
}

function durationOf(text: string): number {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text) ?? [];
  const ms = Number(amount) * (MS_OF_UNIT[unit ?? ''] ?? Number.NaN);
  if (!(ms > 0)) throw new UsageError(`--for takes a duration like 20s or 5m, not '${text}'`);
  return ms;
}

function integerOf(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < least || number > most) {
    throw new UsageError(`${option} takes a number from ${least} to ${most}, not '${text}'`);
  }
  return number;
}

function serviceOf(text: string): string {
  const names = SERVICES.map(({ name }) => name).filter(name => name !== 'gateway');
  if (names.includes(text)) return text;
  throw new UsageError(`--outage takes one of ${names.join(', ')}, not '${text}'`);
}
