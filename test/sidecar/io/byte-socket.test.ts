import assert from 'node:assert/strict';
import { createHash, randomFillSync } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectStream } from 'node:net';
import { after, afterEach, before, beforeEach, describe, test } from 'node:test';
import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import type { ByteSocket } from '../../../sidecar/io/byte-socket.ts';
import { connect } from '../../../sidecar/io/connect.ts';
import { READ_BUFFER } from '../../../sidecar/io/shared-buffers.ts';
import { StreamSocket } from '../../../sidecar/io/stream-socket.ts';
import { until } from '../until.ts';
import { ACCEPTORS, openPair, type Pair, PeerProcess, RecordedOwner, readAll, stall } from './sockets.ts';

/** The way whose writes for the end of the turn wait for that. */
const [FAST_WAY] = Object.keys(ACCEPTORS);

const hashOf = (bytes: Buffer | string) => createHash('sha256').update(bytes).digest('hex');

/** What one write is: text before, bytes, text after. */
const anyWrite = fc.record({
  before: fc.integer({ min: 0, max: 300 }),
  bytes: fc.oneof(
    fc.integer({ min: 1, max: 40_000 }),
    fc.integer({ min: 60_000, max: 128 * 1024 }),
    fc.constantFrom(2 * 1024 - 1, 2 * 1024, 2 * 1024 + 1, 16 * 1024, 192 * 1024, 192 * 1024 + 1, 300_000),
  ),
  after: fc.integer({ min: 0, max: 3 }),
  /** Which of two sockets it goes to. */
  to: fc.integer({ min: 0, max: 1 }),
});

let peerProcess: PeerProcess;
before(async () => {
  peerProcess = await PeerProcess.start();
});
after(() => peerProcess.stop());

/** A connection to the peer in a process of its own. */
async function connectTo(port: number, how: string) {
  const owner = new RecordedOwner();
  const socket = await new Promise<ByteSocket>((resolve, reject) => {
    if (how === 'by public API alone') {
      const stream = connectStream({ host: '127.0.0.1', port, allowHalfOpen: true });
      stream.once('connect', () => resolve(new StreamSocket(stream)));
    } else connect('127.0.0.1', port, { onSocket: resolve, onFailed: reject });
  });
  socket.open(owner);
  return { socket, owner, close: () => socket.destroy() };
}

for (const [how, accept] of Object.entries(ACCEPTORS)) {
  describe(`a socket, ${how}`, () => {
    let pair: Pair;
    beforeEach(async () => {
      pair = await openPair(accept);
    });
    afterEach(() => pair.close());

    test('reads what the other side writes, and its end', async () => {
      const { owner, peer } = pair;
      peer.write('hello ');
      peer.end('world');
      await until(() => owner.told.length > 0, 'the end');
      assert.equal(owner.received, 'hello world');
      assert.deepEqual(owner.told, ['end']);
    });

    test('writes text as latin1', async () => {
      const { socket, peer } = pair;
      socket.write('caf\u00e9 ');
      socket.writeTogether('<', Buffer.from([0, 1, 0xfe, 0xff]), '>');
      socket.end();
      assert.equal((await readAll(peer)).toString('latin1'), 'caf\u00e9 <\x00\x01\xfe\xff>');
    });

    const PIECES: Record<string, (socket: ByteSocket) => void> = {
      text: socket => socket.write('then'),
      bytes: socket => socket.writeTogether('', Buffer.from('then'.padEnd(5000)), ''),
      'more for the end of the turn': socket => socket.writeSoon('then'),
      'very much for the end of the turn': socket => socket.writeSoon('then'.padEnd(100_000)),
    };
    for (const [what, write] of Object.entries(PIECES)) {
      test(`writes what is for the end of the turn before ${what}`, async () => {
        const { socket, peer } = pair;
        socket.writeSoon('first ');
        write(socket);
        socket.end();
        assert.match((await readAll(peer)).toString(), /^first then *$/);
      });
    }

    const CLOSINGS: Record<string, (socket: ByteSocket) => void> = {
      'the end of the turn': () => {},
      'a half-close': socket => socket.end(),
      'a close': socket => socket.destroySoon(),
      'a close at once': socket => socket.destroy(),
      'a reset': socket => socket.reset(),
    };
    for (const [what, close] of Object.entries(CLOSINGS)) {
      test(`writes what is for the end of the turn before ${what}`, async () => {
        const { socket, peer } = pair;
        socket.writeSoon('an answer');
        close(socket);
        await once(peer, 'readable');
        assert.equal(String(peer.read()), 'an answer');
      });
    }

    test('copies bytes of the shared read buffer: they may change once a write returned', async () => {
      const { socket, peer } = pair;
      const bytes = READ_BUFFER.subarray(0, 100_000).fill('a');
      socket.writeTogether('<', bytes, '>');
      bytes.fill('b');
      socket.end();
      assert.equal(hashOf(await readAll(peer)), hashOf(`<${'a'.repeat(100_000)}>`));
    });

    test('counts what the kernel took', () => {
      const { socket } = pair;
      socket.write('text');
      socket.writeTogether('few ', Buffer.from('bytes'), '');
      socket.writeTogether('', Buffer.alloc(5_000), '');
      assert.equal(socket.writes, 3);
    });

    if (how === FAST_WAY) {
      test('lets only so much wait for the end of the turn', () => {
        const { socket } = pair;
        const piece = 'x'.repeat(16 * 1024);
        socket.writeSoon(piece);
        socket.writeSoon(piece);
        assert.equal(socket.writes, 0);
        socket.writeSoon('and more');
        assert.deepEqual([socket.writes, socket.takeBack()], [1, false]);
      });

      test('can take back what is for the end of the turn until that is over', async () => {
        const { socket, peer } = pair;
        socket.writeSoon('no answer');
        assert.deepEqual([socket.takeBack(), socket.takeBack(), socket.writes], [true, false, 0]);
        await nextTurn();
        socket.writeSoon('an answer');
        await nextTurn();
        assert.deepEqual([socket.takeBack(), socket.writes], [false, 1]);
        socket.end();
        assert.equal((await readAll(peer)).toString(), 'an answer');
      });
    }

    test('goes on to read after it ended its own side', async () => {
      const { socket, owner, peer } = pair;
      socket.end();
      await readAll(peer);
      peer.end('still here');
      await until(() => owner.told.length > 0, 'the end');
      assert.equal(owner.received, 'still here');
    });

    test('writes after the other side has ended', async () => {
      const { socket, owner, peer } = pair;
      peer.end();
      await until(() => owner.told.length > 0, 'the end');
      socket.write('an answer');
      socket.end();
      assert.equal((await readAll(peer)).toString(), 'an answer');
    });

    test('tells the end once, also to an owner that pauses and resumes', async () => {
      const { socket, owner, peer } = pair;
      peer.end();
      await until(() => owner.told.length > 0, 'the end');
      for (let i = 0; i < 3; i++) {
        socket.pause();
        socket.resume();
        await nextTurn();
        await nextTurn();
      }
      assert.deepEqual(owner.told, ['end']);
    });

    test('reads nothing while it is paused, and all of it afterwards', async () => {
      const { socket, owner, peer } = pair;
      socket.pause();
      peer.end('x'.repeat(200_000));
      await until(() => peer.bytesWritten > 0, 'a write');
      for (let i = 0; i < 5; i++) await nextTurn();
      assert.equal(owner.received, '');
      socket.resume();
      await until(() => owner.told.length > 0, 'the end');
      assert.equal(owner.received.length, 200_000);
    });

    test('is blocked while the other side does not read, and tells once when everything has gone', async () => {
      const { socket, owner, peer } = pair;
      const piece = Buffer.alloc(128 * 1024, 'x');
      let written = 0;
      while (!socket.isBlocked) {
        socket.writeTogether('', piece, '');
        written += piece.length;
        assert.ok(written < 256 * 1024 * 1024);
      }
      socket.write('the last');
      assert.deepEqual(owner.told, []);
      const read = readAll(peer);
      await until(() => owner.told.length > 0, 'the drain');
      assert.deepEqual(owner.told, ['drain']);
      assert.equal(socket.isBlocked, false);
      socket.end();
      assert.equal((await read).length, written + 'the last'.length);
    });

    test('is blocked as soon as a single byte waits', async () => {
      const { socket, peer } = pair;
      const piece = 'x'.repeat(1000);
      let written = 0;
      for (; !socket.isBlocked; written += piece.length) socket.write(piece);
      socket.destroy();
      const { length } = await readAll(peer);
      assert.ok(length < written && length >= written - piece.length, `${length} of ${written}`);
    });

    test('closes behind what was written, where it is told to', async () => {
      const { socket, owner, peer } = pair;
      const piece = Buffer.alloc(128 * 1024, 'x');
      let written = 0;
      for (; !socket.isBlocked; written += piece.length) socket.writeTogether('', piece, '');
      socket.destroySoon();
      assert.equal((await readAll(peer)).length, written);
      peer.destroy();
      assert.deepEqual(owner.told, []);
    });

    test('a reset is no proper end to the other side', async () => {
      const { socket, peer } = pair;
      const lost = once(peer, 'error');
      socket.write('half an answ');
      // With bytes and a reset at once, the runtime would tell the peer of the bytes and of an end.
      peer.resume();
      await once(peer, 'data');
      socket.reset();
      const [error] = await lost;
      assert.equal((error as NodeJS.ErrnoException).code, 'ECONNRESET');
    });

    test('tells that the other side has reset it', async () => {
      const { owner, peer } = pair;
      peer.resetAndDestroy();
      await until(() => owner.told.length > 0, 'the loss');
      assert.deepEqual(owner.told, ['ECONNRESET']);
    });

    for (const side of ['open', 'ended']) {
      // By public API alone there is no telling once the own side has ended.
      const skip = side === 'ended' && how === 'by public API alone';
      describe(`whose own side is ${side}`, { skip }, () => {
        for (const [what, orders, told] of [
          ['bytes and a reset at once are bytes and a reset', 'wr', ['ECONNRESET']],
          ['bytes and an end at once are bytes and an end', 'wf', ['end']],
          ['bytes, an end and a reset at once are whole all the same', 'wf-r', ['end']],
        ] as const) {
          test(what, async () => {
            const { socket, owner, close } = await connectTo(peerProcess.port, how);
            socket.write(orders);
            if (side === 'ended') socket.end();
            stall(150);
            await until(() => owner.told.length > 0, 'the end');
            assert.equal(owner.received, 'word');
            assert.deepEqual(owner.told.slice(0, 1), told);
            close();
          });
        }
      });
    }

    test('sees a reset while it is paused, where it is told to look', async () => {
      const { socket, owner, peer } = pair;
      socket.pause();
      socket.probe();
      peer.write('bytes that nobody reads');
      await nextTurn();
      socket.probe();
      for (let i = 0; i < 5; i++) await nextTurn();
      assert.deepEqual(owner.told, []);
      peer.resetAndDestroy();
      await once(peer, 'close');
      for (let i = 0; i < 5; i++) await nextTurn();
      // A stream reads a little ahead, so it may know already.
      if (how !== 'by public API alone') assert.deepEqual(owner.told, []);
      socket.probe();
      await until(() => owner.told.length > 0, 'the loss');
      assert.deepEqual(owner.told, ['ECONNRESET']);
      socket.probe();
    });

    test('tells that everything has gone also where it has ended its own side meanwhile', async () => {
      const { socket, owner, peer } = pair;
      const piece = Buffer.alloc(128 * 1024, 'x');
      let written = 0;
      for (; !socket.isBlocked; written += piece.length) socket.writeTogether('', piece, '');
      socket.end();
      assert.equal(socket.isBlocked, true);
      const read = readAll(peer);
      await until(() => owner.told.length > 0, 'the drain');
      assert.deepEqual(owner.told, ['drain']);
      assert.equal(socket.isBlocked, false);
      assert.equal((await read).length, written);
    });

    test('can be reset while its half-close waits', async () => {
      const { socket, peer } = pair;
      const piece = Buffer.alloc(128 * 1024, 'x');
      let written = 0;
      for (; !socket.isBlocked; written += piece.length) socket.writeTogether('', piece, '');
      socket.end();
      socket.reset();
      assert.ok((await readAll(peer)).length < written);
    });

    for (const turns of [0, 1]) {
      test(`is closed by a reset while its half-close is under way, ${turns} turns after it`, async () => {
        const { socket, peer } = pair;
        socket.end();
        for (let i = 0; i < turns; i++) await new Promise<void>(resolve => process.nextTick(resolve));
        socket.reset();
        peer.resume();
        // What is written to a connection that is closed comes back as a reset.
        await until(() => {
          if (!peer.destroyed) peer.write('x');
          return peer.destroyed;
        }, 'the end of the connection');
      });
    }

    test('takes writes to a connection that is lost, and tells so once, in another turn', async () => {
      const { socket, owner, peer } = pair;
      peer.resetAndDestroy();
      await once(peer, 'close');
      socket.write('to nobody');
      assert.deepEqual(owner.told, []);
      socket.writeTogether('', Buffer.alloc(100_000), '');
      assert.deepEqual(owner.told, []);
      assert.equal(socket.writes, 0);
      // Its end may have been read first.
      const losses = () => owner.told.filter(what => what !== 'end');
      await until(() => losses().length > 0, 'the loss');
      for (let i = 0; i < 5; i++) await nextTurn();
      assert.equal(losses().length, 1);
      assert.match(losses()[0], /^(ECONNRESET|EPIPE)$/);
    });

    test('tells nothing more once it is destroyed, and takes everything', async () => {
      const { socket, owner, peer } = pair;
      socket.destroy();
      socket.destroy();
      socket.write('x');
      socket.writeTogether('', Buffer.alloc(100_000), '');
      socket.pause();
      socket.resume();
      socket.keepAlive();
      socket.end();
      socket.reset();
      socket.destroySoon();
      peer.write('x');
      for (let i = 0; i < 5; i++) await nextTurn();
      assert.deepEqual(owner.told, []);
      assert.deepEqual(socket.ends(), { localAddress: '', remoteAddress: '', remotePort: 0 });
    });

    test('may be closed by an owner that is told of a read', async () => {
      const owner = new RecordedOwner();
      const closing = await openPair(accept, owner);
      owner.onRead = () => {
        owner.told.push('read');
        closing.socket.destroy();
      };
      closing.peer.end('x'.repeat(1_000_000));
      closing.peer.resume();
      await new Promise(resolve => closing.peer.once('close', resolve));
      assert.deepEqual(owner.told, ['read']);
    });

    test('knows both its ends', () => {
      const { socket, peer } = pair;
      assert.deepEqual(socket.ends(), {
        localAddress: '127.0.0.1',
        remoteAddress: '127.0.0.1',
        remotePort: peer.localPort,
      });
    });

    for (const where of ['while it is told of a read', 'at any other time']) {
      test(`reads the same bytes where it reads apart, and shared again, ${where}`, async t => {
        const other = await openPair(accept);
        t.after(other.close);
        const sent = createHash('sha256');
        const received = createHash('sha256');
        let turn = 0;
        const change = () => {
          turn++;
          for (const { socket } of [pair, other]) {
            if (turn % 3 === 0) socket.readShared();
            else socket.readApart();
          }
        };
        let got = 0;
        pair.owner.onRead = (length, bytes) => {
          received.update(bytes.subarray(0, length));
          got += length;
          if (where === 'while it is told of a read') change();
        };
        for (let i = 0; i < 40; i++) {
          if (where !== 'while it is told of a read') change();
          const piece = randomFillSync(Buffer.alloc(1 + ((i * 7919) % 50_000)));
          sent.update(piece);
          pair.peer.write(piece);
          other.peer.write(Buffer.alloc(30_000, 'o'));
          const expected = got + piece.length;
          await until(() => got === expected, 'the piece');
        }
        assert.equal(received.digest('hex'), sent.digest('hex'));
        assert.match(other.owner.received, /^o*$/);
      });
    }

    test('passes on what it reads apart, also where nobody pauses it for a slow reader', async t => {
      const slow = await openPair(accept);
      t.after(slow.close);
      slow.peer.pause();
      pair.socket.readApart();
      pair.owner.onRead = (length, bytes) => slow.socket.writeTogether('', bytes.subarray(0, length), '');
      const sent = randomFillSync(Buffer.alloc(8_000_000));
      pair.peer.write(sent);
      await until(() => slow.socket.isBlocked && pair.peer.writableLength === 0, 'the reader to be slow');
      const pieces: Buffer[] = [];
      slow.peer.removeAllListeners('data');
      slow.peer.on('data', piece => pieces.push(Buffer.from(piece)));
      slow.peer.resume();
      await until(() => pieces.reduce((sum, { length }) => sum + length, 0) === sent.length, 'all of it');
      assert.equal(Buffer.compare(Buffer.concat(pieces), sent), 0);
    });

    test('reads arrive as they were sent while others read at the same time', async () => {
      const other = await openPair(accept);
      const [mine, theirs] = ['m', 't'].map(letter => letter.repeat(3_000_000));
      pair.peer.end(mine);
      other.peer.end(theirs);
      await until(() => pair.owner.told.length + other.owner.told.length === 2, 'both ends');
      assert.equal(hashOf(pair.owner.received), hashOf(mine));
      assert.equal(hashOf(other.owner.received), hashOf(theirs));
      other.close();
    });
  });

  test(`no byte is mixed up where the kernel takes only part of a write, ${how}`, async () => {
    const noise = randomFillSync(Buffer.alloc(300_000));
    await fc.assert(
      fc.asyncProperty(fc.array(anyWrite, { minLength: 1, maxLength: 30 }), async writes => {
        const pairs = await Promise.all([openPair(accept), openPair(accept)]);
        const sent = [createHash('sha256'), createHash('sha256')];
        // So that both are in the middle of a write from the start.
        const filling = Buffer.alloc(128 * 1024, 'f');
        for (const [i, { socket }] of pairs.entries()) {
          for (; !socket.isBlocked; sent[i].update(filling)) socket.writeTogether('', filling, '');
        }
        const read = pairs.map(({ peer }) => readAll(peer));
        for (const { before, bytes, after, to } of writes) {
          // The shared read buffer is filled anew for every write; any other stays as it is until it is written.
          const isShared = bytes <= READ_BUFFER.length;
          const chunk = isShared ? READ_BUFFER.subarray(0, bytes) : Buffer.alloc(bytes);
          noise.copy(chunk, 0, 0, bytes);
          chunk[0] = before;
          sent[to].update('b'.repeat(before)).update(chunk).update('a'.repeat(after));
          const { socket } = pairs[to];
          socket.writeTogether('b'.repeat(before), chunk, 'a'.repeat(after));
          if (isShared) READ_BUFFER.fill(0);
          if (bytes % 3 === 0) await nextTurn();
        }
        for (const { socket } of pairs) socket.end();
        const got = await Promise.all(read);
        for (const i of [0, 1]) assert.equal(hashOf(got[i]), sent[i].digest('hex'));
        for (const pair of pairs) pair.close();
      }),
      { numRuns: 6 },
    );
  });
}
