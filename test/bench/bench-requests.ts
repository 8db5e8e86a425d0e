import type { RequestKind } from './load-plan.ts';

/** A request that the load generator sends, and the length of the answer's body that the endpoints give to it. */
export interface BenchRequest {
  readonly target: string;
  readonly method: 'GET' | 'POST';
  readonly bodyLength: number;
  readonly answerLength: number;
}

export const REQUESTS: Readonly<Record<RequestKind, BenchRequest>> = {
  small: { method: 'GET', target: '/orders/17', bodyLength: 0, answerLength: 130 },
  '64k': { method: 'GET', target: '/64k', bodyLength: 0, answerLength: 64 * 1024 },
  '1m': { method: 'GET', target: '/1m', bodyLength: 0, answerLength: 1024 * 1024 },
  post: { method: 'POST', target: '/orders', bodyLength: 4096, answerLength: 130 },
};

/** The request's bytes, as latin1. */
export function renderRequest(request: BenchRequest, closes: boolean): string {
  const lines = [
    `${request.method} ${request.target} HTTP/1.1`,
    'Host: app',
    'User-Agent: outrider-bench',
    'Accept: application/json',
  ];
  if (request.method === 'POST') {
    lines.push('Content-Type: application/json', `Content-Length: ${request.bodyLength}`);
  }
  if (closes) lines.push('Connection: close');
  return `${lines.join('\r\n')}\r\n\r\n${'x'.repeat(request.bodyLength)}`;
}

/** The answer's bytes. */
export function renderAnswer(length: number): Buffer {
  const start = '{"id":17,"status":"delivered","items":[{"sku":"A-1","quantity":2}],"note":"';
  const body = `${start}${'.'.repeat(length - start.length - 2)}"}`;
  return Buffer.from(
    `HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\nContent-Length: ${length}\r\n\r\n${body}`,
    'latin1',
  );
}
