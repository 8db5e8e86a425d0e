import { STATUS_CODES } from 'node:http';

/** What the admin API answers. */
export interface AdminAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: Buffer;
  readonly headers?: Readonly<Record<string, string>>;
}

export function textAnswer(status: number, contentType: string, text: string): AdminAnswer {
  return { status, contentType, body: Buffer.from(text) };
}

export function jsonAnswer(status: number, value: object): AdminAnswer {
  return textAnswer(status, 'application/json', `${JSON.stringify(value, null, 2)}\n`);
}

/** An error as RFC 9457 has it. */
export function problemAnswer(
  status: number,
  detail: string,
  more: Readonly<Record<string, unknown>> = {},
  headers: Readonly<Record<string, string>> = {},
): AdminAnswer {
  const problem = { type: 'about:blank', title: STATUS_CODES[status], status, detail, ...more };
  const text = `${JSON.stringify(problem, null, 2)}\n`;
  return { ...textAnswer(status, 'application/problem+json', text), headers };
}
