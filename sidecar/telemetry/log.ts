import { type Logger, pino } from 'pino';
import type { LogDestination } from './log-destination.ts';

/** What the sidecar says of itself: fields for machines and a sentence for people. */
export type Log = Pick<Logger, 'info' | 'warn' | 'error'>;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** A log of JSON lines: `{"level":"info","time":"…","log":"sidecar", …fields, "msg":"…"}`. */
export function createLog(level: LogLevel, destination: LogDestination): Log {
  return pino(
    {
      level,
      base: { log: 'sidecar' },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
    },
    destination,
  );
}
