import type { Socket } from 'node:net';

/**
 * The buffers that all sockets of the process share. Reading into one buffer and writing from one saves an allocation
 * per read; 128 KiB against 64 KiB was measured to save 12 % of a 64 KiB answer and 17 % of a 1 MiB one.
 */
const SIZE = 128 * 1024;

/** Every read lands here; its bytes are valid until the callback returns. */
export const READ_BUFFER: Buffer = Buffer.allocUnsafeSlow(SIZE);

/** Text up to this length is written as text: the runtime copies it to the kernel without a buffer of its own. */
const TEXT_LIMIT = 16 * 1024;

/** What must fit into the write buffer beside a full read: a head or a chunk's framing. */
const MARGIN = 64 * 1024;

let writeBuffer = Buffer.allocUnsafeSlow(SIZE + MARGIN);

/**
 * Writes text (latin1), bytes and text as one piece, with one system call where the kernel takes it. The bytes may be
 * in the shared read buffer: when the kernel did not take all of them at once, the runtime goes on to read from the
 * buffer that it was given, so that one is left to it and another takes its place.
 */
export function writeTogether(socket: Socket, before: string, bytes: Buffer, after: string): void {
  const length = before.length + bytes.length + after.length;
  if (length <= TEXT_LIMIT) {
    socket.write(before + bytes.toString('latin1') + after, 'latin1');
    return;
  }
  const isShared = length <= writeBuffer.length && socket.writableLength === 0;
  const target = isShared ? writeBuffer : Buffer.allocUnsafeSlow(length);
  target.write(before, 0, 'latin1');
  target.set(bytes, before.length);
  target.write(after, before.length + bytes.length, 'latin1');
  socket.write(isShared ? target.subarray(0, length) : target);
  if (isShared && socket.writableLength > 0) writeBuffer = Buffer.allocUnsafeSlow(SIZE + MARGIN);
}

/** Whether the other side is slow to read: what was written still waits, and `drain` will tell when it has gone. */
export function isBlocked(socket: Socket): boolean {
  return socket.writableNeedDrain && socket.writableLength > 0;
}
