import { type Logger, pino } from 'pino';
import type { LogDestination } from './log-destination.ts';

/** What a process says of itself: fields for machines and a sentence for people. */
export type Log = Pick<Logger, 'info' | 'warn' | 'error'>;

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

/** A log of JSON lines: `{"level":"info","time":"…","log":"sidecar", …fields, "msg":"…"}`. @param name who speaks */
export function createLog(name: string, level: LogLevel, destination: LogDestination): Log {
  return pino(
    {
      level,
      base: { log: name },
      timestamp: () => `,"time":"${new Date().toISOString()}"`,
      formatters: { level: label => ({ level: label }) },
    },
    destination,
  );
}
