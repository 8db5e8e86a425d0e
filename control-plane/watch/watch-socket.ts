import type { Socket } from 'node:net';
import { LineSplitter } from '../contract/line-splitter.ts';
import { Misshapen, readJson } from '../contract/shape.ts';
import { SIDECAR_MESSAGE, type SidecarMessage, WATCH_PROTOCOL } from '../contract/watch-messages.ts';
import { lineSinkOf } from './line-sink.ts';
import type { WatchHub } from './watch-hub.ts';
import { lineOf, type WatchStream } from './watch-stream.ts';

/** How long a sidecar may take to say hello. */
const HELLO_MS = 5000;
/** The longest line of a sidecar, in bytes: a list of services at most. */
const LINE_LIMIT = 1024 * 1024;

/**
 * Speaks the watch with a sidecar on a socket that asked for `Upgrade: outrider-watch`.
 * @param head what came with the request
 * @param sidecar the id that the caller may use: the one that its request was made with
 */
export function speakWatch(hub: WatchHub, socket: Socket, head: Buffer, sidecar: string): void {
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: ${WATCH_PROTOCOL}\r\n\r\n`,
  );
  socket.setNoDelay(true);
  const sink = lineSinkOf(socket);
  const splitter = new LineSplitter(LINE_LIMIT);
  let stream: WatchStream | null = null;
  const helloTimer = setTimeout(() => refuse('no hello came'), HELLO_MS);

  const refuse = (reason: string): void => {
    clearTimeout(helloTimer);
    if (stream !== null) return hub.close(stream, reason);
    sink.write(lineOf({ type: 'goodbye', reason }));
    sink.close();
  };
  const onLine = (line: string): void => {
    let message: SidecarMessage;
    try {
      message = readJson(SIDECAR_MESSAGE, line, 'a line');
    } catch (error) {
      if (error instanceof Misshapen) return refuse(error.message);
      throw error;
    }
    if (stream !== null) return hub.receive(stream, message);
    if (message.type !== 'hello') return refuse('the first message is not hello');
    if (message.sidecar !== sidecar) return refuse('hello names another sidecar than the request');
    clearTimeout(helloTimer);
    stream = hub.connect(message, sink);
  };
  const onData = (chunk: Buffer): void => {
    const lines = splitter.push(chunk);
    if (lines === null) return refuse(`a line is longer than ${LINE_LIMIT} bytes`);
    for (const line of lines) {
      if (!socket.writable || socket.destroyed) return;
      onLine(line);
    }
  };
  socket.on('data', onData);
  socket.on('error', () => {});
  socket.on('close', () => {
    clearTimeout(helloTimer);
    if (stream !== null) hub.close(stream, null);
  });
  if (head.length > 0) onData(head);
}
