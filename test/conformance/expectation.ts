import type { AnswerExpectation, FieldExpectations, RequestExpectation } from './case.ts';
import { type Field, type Message, membersOf, show, statusOf, valuesOf } from './wire.ts';

/** In what a request that reached the upstream differs from what was expected. */
export function requestProblems(request: Message, expected: RequestExpectation): string[] {
  const problems: string[] = [];
  if (!matches(request.startLine, expected.line)) {
    problems.push(`the upstream received ${show(request.startLine)} instead of ${expected.line}`);
  }
  problems.push(...fieldProblems(request.fields, expected.fields, 'the upstream received'));
  problems.push(...fieldProblems(request.trailers, expected.trailers, 'the upstream received the trailer'));
  if (expected.body !== undefined && request.body !== expected.body) {
    problems.push(`the upstream received the body ${show(request.body)} instead of ${show(expected.body)}`);
  }
  if (expected.framing !== undefined && request.framing !== expected.framing) {
    problems.push(`the request was framed as ${request.framing} instead of ${expected.framing}`);
  }
  return problems;
}

/** In what an answer that the client saw differs from what was expected. */
export function answerProblems(answer: Message, expected: AnswerExpectation): string[] {
  const problems: string[] = [];
  const status = statusOf(answer);
  const statuses = typeof expected.status === 'number' ? [expected.status] : expected.status;
  if (!statuses.includes(status))
    problems.push(`the client saw ${status} instead of ${statuses.join(' or ')}`);
  if (expected.truncated ? answer.complete : !answer.complete) {
    problems.push(expected.truncated ? 'the broken answer looks whole' : 'the answer is not complete');
  }
  if (expected.reason !== undefined && answer.startLine.slice(13) !== expected.reason) {
    problems.push(`the client saw the reason ${show(answer.startLine.slice(13))}`);
  }
  if (expected.error !== undefined) problems.push(...errorProblems(answer, expected.error));
  problems.push(...fieldProblems(answer.fields, expected.fields, 'the client saw'));
  problems.push(...fieldProblems(answer.trailers, expected.trailers, 'the client saw the trailer'));
  if (expected.body !== undefined && !matches(answer.body, expected.body)) {
    problems.push(`the client saw the body ${show(answer.body)} instead of ${show(String(expected.body))}`);
  }
  if (expected.framing !== undefined && answer.framing !== expected.framing) {
    problems.push(`the answer was framed as ${answer.framing} instead of ${expected.framing}`);
  }
  return problems;
}

/** An answer that the sidecar makes itself says so, in the form of RFC 9457; another one never does. */
function errorProblems(answer: Message, expected: string | RegExp | null): string[] {
  const [code] = valuesOf(answer.fields, 'x-outrider-error');
  if (expected === null)
    return code === undefined ? [] : [`the sidecar answered itself: ${code}, ${answer.body}`];
  if (code === undefined) return ['the answer has no x-outrider-error'];
  const problems: string[] = [];
  if (!matches(code, expected)) problems.push(`the failure is called ${code} instead of ${expected}`);
  if (valuesOf(answer.fields, 'content-type')[0] !== 'application/problem+json') {
    problems.push('the refusal is not application/problem+json');
  }
  if (code === 'bad-request' && !membersOf(answer.fields, 'connection').includes('close')) {
    problems.push('the refusal does not say Connection: close');
  }
  return problems;
}

function fieldProblems(
  fields: readonly Field[],
  expected: FieldExpectations | undefined,
  where: string,
): string[] {
  return Object.entries(expected ?? {}).flatMap(([name, value]) => {
    // Members of a list may come on one line or on several (RFC 9110 section 5.3).
    const values = name === 'via' ? membersOf(fields, name) : valuesOf(fields, name);
    const found = `${where} ${name}: ${show(values.join(' | '))}`;
    if (value === null) return values.length === 0 ? [] : [found];
    if (value instanceof RegExp) {
      return values.length === 1 && value.test(values[0]) ? [] : [`${found} instead of ${value}`];
    }
    const wanted = typeof value === 'string' ? [value] : value;
    const same = wanted.length === values.length && wanted.every((one, i) => one === values[i]);
    return same ? [] : [`${found} instead of ${show(wanted.join(' | '))}`];
  });
}

function matches(text: string, expected: string | RegExp): boolean {
  return typeof expected === 'string' ? text === expected : expected.test(text);
}
