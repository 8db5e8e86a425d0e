import type { ParsedRequest } from '../http1/request-head.ts';
import { type OwnAnswer, ownAnswer } from './problem.ts';

/** What a TRACE must not send back (RFC 9110 section 9.3.8). */
const SENSITIVE: ReadonlySet<string> = new Set(['authorization', 'cookie']);

/** Answers a TRACE or OPTIONS that may go no further (RFC 9110 section 7.6.2). */
export function answerHere(request: ParsedRequest, date: string): OwnAnswer {
  const { method, target, fields } = request.head;
  if (method !== 'TRACE') return ownAnswer(200, '', date, []);
  let text = `TRACE ${target} HTTP/1.${request.minorVersion}\r\n`;
  for (let i = 0; i < fields.length; i += 2) {
    if (!SENSITIVE.has(fields[i].toLowerCase())) text += `${fields[i]}: ${fields[i + 1]}\r\n`;
  }
  return ownAnswer(200, `${text}\r\n`, date, ['Content-Type', 'message/http']);
}
