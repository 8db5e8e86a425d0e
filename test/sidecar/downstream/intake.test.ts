import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Intake } from '../../../sidecar/downstream/intake.ts';
import { HandClock } from '../hand-clock.ts';
import { MemorySocket } from './memory-socket.ts';

function anIntake() {
  const socket = new MemorySocket();
  const clock = new HandClock();
  const intake = new Intake(socket, clock.wheel);
  return {
    socket,
    clock,
    intake,
    hold: (text: string) => intake.hold(Buffer.from(text), 0, text.length, 10),
  };
}

test('what is held comes back in order, once', () => {
  const { intake, hold } = anIntake();
  assert.equal(intake.take(), null);
  hold('abc');
  hold('de');
  assert.equal(intake.take()?.toString(), 'abcde');
  assert.equal(intake.take(), null);
});

test('only the given part is held, and as it was then', () => {
  const { intake } = anIntake();
  const bytes = Buffer.from('abcdef');
  intake.hold(bytes, 2, 4, 10);
  bytes.fill('#');
  assert.equal(intake.take()?.toString(), 'cd');
});

test('reading stops at the bound, and goes on when the exchange has ended', () => {
  const { intake, socket, hold } = anIntake();
  hold('12345');
  assert.equal(socket.isPaused, false);
  hold('67890');
  assert.equal(socket.isPaused, true);
  intake.take();
  intake.resume();
  assert.equal(socket.isPaused, false);
});

test('reading stops while nobody takes the body', () => {
  const { intake, socket } = anIntake();
  intake.pauseBody();
  assert.equal(socket.isPaused, true);
  intake.resumeBody();
  assert.equal(socket.isPaused, false);
});

test('a body that is taken again does not open what is full', () => {
  const { intake, socket, hold } = anIntake();
  intake.pauseBody();
  hold('1234567890');
  intake.resumeBody();
  assert.equal(socket.isPaused, true);
});

test('while nothing is read, it is looked every second whether the application has hung up', () => {
  const { intake, socket, clock } = anIntake();
  clock.advance(5_000);
  assert.equal(socket.probes, 0);
  intake.pauseBody();
  clock.advance(3_500);
  assert.equal(socket.probes, 3);
  intake.resumeBody();
  clock.advance(5_000);
  assert.equal(socket.probes, 3);
});
