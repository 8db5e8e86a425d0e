import assert from 'node:assert/strict';
import type { Failure } from '../../sidecar/exchange/failure.ts';
import type { Fields } from '../../sidecar/exchange/fields.ts';
import type { Reply, ResponseHead } from '../../sidecar/exchange/service.ts';
import { assertSentences } from '../sentences.ts';

/**
 * Notes what it is told, and fails the test where the order is not `informational* head data* (end | fail)`, or `fail` alone, and
 * where what a failure says is not in whole sentences.
 */
export class RecordedReply implements Reply {
  readonly informationals: ResponseHead[] = [];
  answer: ResponseHead | null = null;
  body = '';
  /** What came, in order: `100`, `200`, `data`, `flush`, `end`, or the kind of a failure. */
  readonly told: (string | number)[] = [];
  trailers: Fields | null = null;
  failure: Failure | null = null;
  /** Called at the end, whichever it was. */
  onEnd: () => void = () => {};
  isEnded = false;
  readonly ended: Promise<void>;
  readonly answered: Promise<void>;
  private resolveEnded: () => void = () => {};
  private resolveAnswered: () => void = () => {};

  constructor() {
    this.ended = new Promise(resolve => {
      this.resolveEnded = resolve;
    });
    this.answered = new Promise(resolve => {
      this.resolveAnswered = resolve;
    });
  }

  informational(head: ResponseHead): void {
    assert.ok(!this.isEnded && this.answer === null, `an interim answer after ${this.told}`);
    this.informationals.push(head);
    this.told.push(head.status);
  }

  head(head: ResponseHead): void {
    assert.ok(!this.isEnded && this.answer === null, `a head after ${this.told}`);
    this.answer = head;
    this.told.push(head.status);
    this.resolveAnswered();
  }

  data(chunk: Buffer): void {
    assert.ok(!this.isEnded && this.answer !== null, `data after ${this.told}`);
    assert.ok(chunk.length > 0, 'an empty piece');
    this.body += chunk.toString('latin1');
    this.told.push('data');
  }

  flush(): void {
    assert.ok(!this.isEnded && this.answer !== null, `a flush after ${this.told}`);
    this.told.push('flush');
  }

  end(trailers: Fields | null): void {
    assert.ok(!this.isEnded && this.answer !== null, `an end after ${this.told}`);
    this.trailers = trailers;
    this.told.push('end');
    this.finish();
  }

  fail(failure: Failure): void {
    assert.ok(!this.isEnded, `a failure (${failure.kind}) after ${this.told}`);
    if (!isMadeUp(failure)) assertSentences(failure.detail, ['inventory']);
    this.failure = failure;
    this.told.push(failure.kind);
    this.finish();
  }

  private finish(): void {
    this.isEnded = true;
    this.resolveAnswered();
    this.resolveEnded();
    this.onEnd();
  }
}

/** The details of failures that tests make themselves are a word or two. */
function isMadeUp({ detail, last }: Failure): boolean {
  return (last ?? { detail }).detail.split(' ').length <= 3;
}
