import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { UNKNOWN_LENGTH } from '../../../sidecar/exchange/body-length.ts';
import type { Fields } from '../../../sidecar/exchange/fields.ts';
import { type BodySink, RequestBody } from '../../../sidecar/exchange/request-body.ts';

/** The application's connection, as the body sees it. */
class Source {
  isPaused = false;
  /** How often it was told to stop or go on. */
  changes = 0;

  pauseBody(): void {
    this.isPaused = true;
    this.changes++;
  }

  resumeBody(): void {
    this.isPaused = false;
    this.changes++;
  }
}

/** An attempt. Full after `room` bytes. */
class Sink implements BodySink {
  received = '';
  ended = false;
  trailers: Fields | null = null;
  private readonly room: number;

  constructor(room = Number.POSITIVE_INFINITY) {
    this.room = room;
  }

  write(chunk: Buffer): boolean {
    assert.equal(this.ended, false);
    this.received += chunk.toString('latin1');
    return this.received.length < this.room;
  }

  end(trailers: Fields | null): void {
    this.ended = true;
    this.trailers = trailers;
  }
}

function makeBody(keepAtMost: number) {
  const source = new Source();
  const body = new RequestBody(source, UNKNOWN_LENGTH, keepAtMost);
  return {
    source,
    body,
    /** Pushes in a buffer that is used again at once, as a connection's read buffer is. */
    push(text: string) {
      const chunk = Buffer.from(text);
      body.push(chunk);
      chunk.fill('!');
    },
  };
}

describe('a body that is streamed', () => {
  test('reaches the attempt piece by piece, with its trailers', () => {
    const { body, push } = makeBody(100);
    const sink = new Sink();
    body.attach(sink);
    push('hel');
    push('lo');
    assert.equal(sink.received, 'hello');
    assert.equal(body.isComplete, false);
    body.finish(['X-A', '1']);
    assert.deepEqual([sink.ended, sink.trailers, body.isComplete], [true, ['X-A', '1'], true]);
    assert.equal(body.receivedBytes, 5);
  });

  test('pauses its source while the attempt wants no more, and tells it once', () => {
    const { body, source, push } = makeBody(0);
    const sink = new Sink(3);
    body.attach(sink);
    push('ab');
    assert.equal(source.isPaused, false);
    push('cd');
    push('ef');
    assert.deepEqual([source.isPaused, source.changes], [true, 1]);
    body.resume();
    body.resume();
    assert.deepEqual([source.isPaused, source.changes], [false, 2]);
  });

  test('is not paused any more once it is complete', () => {
    const { body, source } = makeBody(0);
    const sink = new Sink(0);
    body.finish(null);
    body.attach(sink);
    body.detach(sink);
    assert.equal(source.changes, 0);
  });
});

describe('a body that nobody takes yet', () => {
  test('is kept, and given to the attempt that comes', () => {
    const { body, push } = makeBody(100);
    push('hel');
    push('lo');
    assert.equal(body.heldBytes, 5);
    body.finish(null);
    const sink = new Sink();
    body.attach(sink);
    assert.deepEqual([sink.received, sink.ended], ['hello', true]);
  });

  test('is the same bytes again', () => {
    const { body } = makeBody(1000);
    const bytes = Buffer.from([...Array(256).keys()]);
    body.push(bytes);
    const sink = new Sink();
    body.attach(sink);
    assert.deepEqual(Buffer.from(sink.received, 'latin1'), bytes);
  });

  test('pauses its source at the bound, and loses nothing of the piece that passed it', () => {
    const { body, source, push } = makeBody(4);
    push('hel');
    assert.equal(source.isPaused, false);
    push('lo!');
    assert.equal(source.isPaused, true);
    const sink = new Sink();
    body.attach(sink);
    assert.equal(sink.received, 'hello!');
    assert.equal(source.isPaused, false);
  });

  test('stays paused when the attempt that comes is full at once', () => {
    const { body, source, push } = makeBody(4);
    push('hello');
    body.attach(new Sink(1));
    assert.equal(source.isPaused, true);
    body.resume();
    assert.equal(source.isPaused, false);
  });
});

describe('a further attempt', () => {
  test('gets every byte again, and what comes after', () => {
    const { body, push } = makeBody(100);
    const first = new Sink();
    body.attach(first);
    push('hel');
    body.detach(first);
    push('lo');
    const second = new Sink();
    body.attach(second);
    push('!');
    body.finish(['X-A', '1']);
    assert.deepEqual([first.received, first.ended], ['hel', false]);
    assert.deepEqual([second.received, second.ended, second.trailers], ['hello!', true, ['X-A', '1']]);
    assert.equal(body.receivedBytes, 6);
  });

  test('gets a complete body again, end and trailers too', () => {
    const { body, push } = makeBody(100);
    const first = new Sink();
    body.attach(first);
    push('hello');
    body.finish(['X-A', '1']);
    body.detach(first);
    const second = new Sink();
    body.attach(second);
    assert.deepEqual([second.received, second.ended, second.trailers], ['hello', true, ['X-A', '1']]);
  });

  test('finds the source flowing again after one that was slow', () => {
    const { body, source, push } = makeBody(100);
    const slow = new Sink(1);
    body.attach(slow);
    push('hello');
    assert.equal(source.isPaused, true);
    body.detach(slow);
    assert.equal(source.isPaused, false);
  });

  test('is not detached by an earlier one that ends late', () => {
    const { body, push } = makeBody(100);
    const first = new Sink();
    const second = new Sink();
    body.attach(first);
    body.detach(first);
    body.attach(second);
    body.detach(first);
    push('x');
    assert.equal(second.received, 'x');
  });
});

describe('what is kept for a replay', () => {
  test('is a body of up to the bound', () => {
    const { body, push } = makeBody(5);
    body.attach(new Sink());
    push('hel');
    push('lo');
    assert.deepEqual([body.isReplayable, body.heldBytes], [true, 5]);
    push('!');
    assert.deepEqual([body.isReplayable, body.heldBytes], [false, 0]);
  });

  test('is nothing of a body that was beyond the bound before anybody took it, once somebody has', () => {
    const { body, push } = makeBody(5);
    push('hello!');
    assert.deepEqual([body.isReplayable, body.heldBytes], [true, 6]);
    const sink = new Sink();
    body.attach(sink);
    assert.deepEqual([sink.received, body.isReplayable, body.heldBytes], ['hello!', false, 0]);
  });

  test('may be bounded anew, but not by more', () => {
    const { body, push } = makeBody(5);
    body.keepNoMoreThan(3);
    body.keepNoMoreThan(4);
    body.attach(new Sink());
    push('hel');
    assert.equal(body.isReplayable, true);
    push('l');
    assert.equal(body.isReplayable, false);
  });

  test('goes on to be streamed when it grew beyond it', () => {
    const { body, push } = makeBody(2);
    const sink = new Sink();
    body.attach(sink);
    push('hel');
    push('lo');
    assert.equal(sink.received, 'hello');
  });

  test('is given up by release, and then nothing can be attached', () => {
    const { body, push } = makeBody(100);
    const sink = new Sink();
    body.attach(sink);
    push('hel');
    body.release();
    assert.deepEqual([body.isReplayable, body.heldBytes], [false, 0]);
    push('lo');
    assert.deepEqual([sink.received, body.heldBytes], ['hello', 0]);
    assert.throws(() => body.attach(new Sink()), /replayed/);
  });

  test('pauses the source for good when the attempt ends and no other can follow', () => {
    const { body, source, push } = makeBody(2);
    const sink = new Sink();
    body.attach(sink);
    push('hello');
    body.detach(sink);
    assert.equal(source.isPaused, true);
  });
});
