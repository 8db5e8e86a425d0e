import type { Policy } from '../../control-plane/contract/policy.ts';
import type { Failure } from '../exchange/failure.ts';
import { getField } from '../exchange/fields.ts';
import type { ResponseHead } from '../exchange/service.ts';

type Condition = Policy['retry']['on'][number];
type AnswerCondition = Exclude<Condition, string>;
type HeaderCondition = NonNullable<AnswerCondition['header']>;

/** What an attempt must have ended in to be followed by another one, in a form that is quick to ask. */
export class RetryConditions {
  private readonly words: ReadonlySet<Condition>;
  /** 1 at each status that is one. */
  private readonly statuses = new Uint8Array(600);
  private readonly headers: readonly HeaderCondition[];

  constructor(on: readonly Condition[]) {
    this.words = new Set(on);
    const answers = on.filter((condition): condition is AnswerCondition => typeof condition !== 'string');
    if (this.words.has('5xx')) this.statuses.fill(1, 500);
    if (this.words.has('gateway-error')) this.statuses.fill(1, 502, 505);
    if (this.words.has('retriable-4xx')) this.statuses[409] = 1;
    for (const status of answers.flatMap(answer => answer.status)) this.statuses[status] = 1;
    this.headers = answers.flatMap(({ header }) =>
      header === null ? [] : { ...header, name: header.name.toLowerCase() },
    );
  }

  isMetByFailure({ kind, reachedNobody }: Failure): boolean {
    const { words } = this;
    switch (kind) {
      case 'connect-failure':
        return words.has('connect-failure') || words.has('refused');
      case 'connect-timeout':
        return words.has('connect-failure');
      case 'reset':
        return words.has('reset') || (reachedNobody && words.has('reset-before-request'));
      case 'attempt-timeout':
        return words.has('attempt-timeout');
      default:
        return false;
    }
  }

  isMetByAnswer(head: ResponseHead): boolean {
    if (this.statuses[head.status] === 1) return true;
    return this.headers.length > 0 && this.headers.some(header => isIn(head, header));
  }
}

function isIn({ fields }: ResponseHead, { name, value }: HeaderCondition): boolean {
  const found = getField(fields, name);
  return found !== undefined && (value === null || found === value);
}
