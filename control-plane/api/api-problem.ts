import { STATUS_CODES } from 'node:http';
import type { FieldError } from '../contract/answers.ts';
import type { Problem } from '../contract/problem.ts';

/** An answer of the API that is no success, as RFC 9457 has it. Thrown by what handles a call. */
export class ApiProblem extends Error {
  readonly status: number;
  readonly errors: readonly FieldError[];
  readonly headers: Readonly<Record<string, string>>;

  /** @param detail one sentence or more that say what happened and what to do */
  constructor(
    status: number,
    detail: string,
    more: {
      readonly errors?: readonly FieldError[];
      readonly headers?: Readonly<Record<string, string>>;
    } = {},
  ) {
    super(detail);
    this.name = 'ApiProblem';
    this.status = status;
    this.errors = more.errors ?? [];
    this.headers = more.headers ?? {};
  }

  /** The body of the answer. */
  toJson(): Record<string, unknown> {
    const { status, message, errors } = this;
    const problem = { type: 'about:blank', title: STATUS_CODES[status] ?? '', status, detail: message };
    return errors.length === 0 ? problem : { ...problem, errors };
  }
}

export const PROBLEM_TYPE = 'application/problem+json';

/** What a schema found wrong. @param what as in `the body`, `the query` */
export function invalid(what: string, problems: readonly Problem[]): ApiProblem {
  const errors = problems.filter(({ severity }) => severity === 'error').slice(0, MAX_ERRORS);
  const [first] = errors;
  const about = first.key === '' ? '' : `${first.key}: `;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more, see errors)` : '';
  return new ApiProblem(400, `${what}: ${about}${first.message}${more}`, {
    errors: errors.map(toFieldError),
  });
}

const MAX_ERRORS = 100;

function toFieldError({ key, message, expected, found, suggestion, at }: Problem): FieldError {
  const [line, column] = at.line === 0 ? [null, null] : [at.line, at.column];
  return { field: key, detail: message, expected, found, suggestion, line, column };
}
