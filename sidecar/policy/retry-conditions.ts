import type { Policy } from '../../control-plane/contract/policy.ts';
import type { Failure } from '../exchange/failure.ts';
import { getField } from '../exchange/fields.ts';
import type { ResponseHead } from '../exchange/service.ts';
import { StatusSet } from './status-set.ts';

type Condition = Policy['retry']['on'][number];
type AnswerCondition = Exclude<Condition, string>;
type HeaderCondition = NonNullable<AnswerCondition['header']>;

/** What an attempt must have ended in to be followed by another one, in a form that is quick to ask. */
export class RetryConditions {
  private readonly words: ReadonlySet<Condition>;
  private readonly statuses: StatusSet;
  private readonly headers: readonly HeaderCondition[];

  constructor(on: readonly Condition[]) {
    this.words = new Set(on);
    const answers = on.filter((condition): condition is AnswerCondition => typeof condition !== 'string');
    this.statuses = new StatusSet([...on, ...answers.flatMap(answer => answer.status)]);
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
    if (this.statuses.has(head.status)) return true;
    return this.headers.length > 0 && this.headers.some(header => isIn(head, header));
  }
}

function isIn({ fields }: ResponseHead, { name, value }: HeaderCondition): boolean {
  const found = getField(fields, name);
  return found !== undefined && (value === null || found === value);
}
