import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { UNKNOWN_LENGTH } from '../../../sidecar/exchange/body-length.ts';
import { type BodySink, RequestBody } from '../../../sidecar/exchange/request-body.ts';
import { Application } from '../exchanges.ts';

/** An attempt that wants more while `wantsMore` says so. */
class Sink implements BodySink {
  received = '';
  wantsMore = true;
  isEnded = false;

  write(chunk: Buffer): boolean {
    assert.ok(!this.isEnded, 'a piece after the end');
    this.received += chunk.toString();
    return this.wantsMore;
  }

  end(): void {
    assert.ok(!this.isEnded, 'a second end');
    this.isEnded = true;
  }
}

/** What a body has to be, said with nothing but what was sent. */
class Model {
  sent = '';
  isComplete = false;
  isReplayable = true;
  sink: Sink | null = null;
  isPaused = false;
  bound: number;

  constructor(bound: number) {
    this.bound = bound;
  }

  get hasRoom(): boolean {
    return this.isReplayable && this.sent.length < this.bound;
  }

  pushed(text: string): void {
    // What is streamed is kept up to the bound; what nobody takes yet has to be kept in any case.
    if (this.sink !== null && this.sent.length + text.length > this.bound) this.isReplayable = false;
    this.sent += text;
    if (this.sink === null ? !this.hasRoom : !this.sink.wantsMore) this.isPaused = true;
  }

  get held(): number {
    return this.isReplayable ? this.sent.length : 0;
  }
}

const step = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('push' as const),
      text: fc.string({ minLength: 1, maxLength: 8 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('attach' as const), wantsMore: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('detach' as const, 'resume' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('want' as const), wantsMore: fc.boolean() }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constant('bound' as const), bytes: fc.integer({ min: 0, max: 24 }) }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('detach-stale' as const, 'release' as const, 'finish' as const),
    }),
  },
);

test('a body gives every attempt all bytes from the first on, and pauses its source exactly when nobody takes more', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 24 }), fc.array(step, { maxLength: 30 }), (bound, steps) => {
      const source = new Application();
      const body = new RequestBody(source, UNKNOWN_LENGTH, bound);
      const model = new Model(bound);
      let changes = 0;
      for (const action of steps) {
        const before = model.isPaused;
        switch (action.do) {
          case 'push': {
            if (model.isComplete) break;
            const chunk = Buffer.from(action.text);
            body.push(chunk);
            chunk.fill('!');
            model.pushed(action.text);
            break;
          }
          case 'attach': {
            if (model.sink !== null) break;
            const sink = new Sink();
            if (!model.isReplayable) {
              assert.throws(() => body.attach(sink));
              break;
            }
            sink.wantsMore = action.wantsMore;
            body.attach(sink);
            model.sink = sink;
            if (model.sent.length > model.bound) model.isReplayable = false;
            model.isPaused = !model.isComplete && model.sent !== '' && !action.wantsMore;
            break;
          }
          case 'detach':
            if (model.sink === null) break;
            body.detach(model.sink);
            model.sink = null;
            model.isPaused = !model.isComplete && !model.hasRoom;
            break;
          case 'detach-stale':
            body.detach(new Sink());
            break;
          case 'resume':
            body.resume();
            model.isPaused = false;
            break;
          case 'bound':
            body.keepNoMoreThan(action.bytes);
            model.bound = Math.min(model.bound, action.bytes);
            break;
          case 'want':
            if (model.sink !== null) model.sink.wantsMore = action.wantsMore;
            break;
          case 'release':
            body.release();
            model.isReplayable = false;
            break;
          case 'finish':
            if (model.isComplete) break;
            body.finish(null);
            model.isComplete = true;
            // Nothing comes that could be too much, and the source has its end to notice.
            model.isPaused = false;
        }
        if (model.isPaused !== before) changes++;
        assert.equal(source.isPaused, model.isPaused, `after ${JSON.stringify(action)}`);
        assert.equal(source.changes, changes, 'told what it knew');
        assert.equal(body.isReplayable, model.isReplayable);
        assert.equal(body.isComplete, model.isComplete);
        assert.equal(body.receivedBytes, Buffer.byteLength(model.sent));
        assert.equal(body.heldBytes, model.held);
        if (model.sink !== null) {
          assert.equal(model.sink.received, model.sent);
          assert.equal(model.sink.isEnded, model.isComplete);
        }
      }
    }),
    { numRuns: 3_000 },
  );
});

test('a source that was paused at the bound is not left paused by a body that is complete', () => {
  const source = new Application();
  const body = new RequestBody(source, 10, 4);
  body.push(Buffer.from('01234'));
  assert.equal(source.isPaused, true);
  body.push(Buffer.from('56789'));
  body.finish(null);
  assert.equal(source.isPaused, false);
});
