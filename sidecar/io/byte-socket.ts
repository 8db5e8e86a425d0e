/**
 * A TCP connection as the data path needs it: bytes in, text or bytes out, half-close, back pressure; no events, no
 * stream. Two files implement it: `handle-socket.ts` on the runtime's own TCP handles, which is fast, and
 * `stream-socket.ts` on `net.Socket`, for runtimes whose inside is not as expected.
 */
export interface ByteSocket {
  /** Begins to read and to tell the owner. Called once. */
  open(owner: SocketOwner): void;
  /** Writes text as latin1. */
  write(text: string): void;
  /**
   * Writes text as latin1 once all sockets that are ready in this turn of the event loop have been read, together with what others
   * write so; between two turns, at the end of the next one. What is written otherwise meanwhile goes out behind it. Whoever
   * reads it is woken once for many messages, not for each: with 1,000 connections that was measured to save a tenth of the CPU.
   */
  writeSoon(text: string): void;
  /** Writes at once what {@link writeSoon} has left. */
  flush(): void;
  /** Forgets what {@link writeSoon} has left. @returns whether there was anything */
  takeBack(): boolean;
  /**
   * Writes text, bytes and text as one piece, with one system call where the kernel takes it. Bytes that lie in the shared
   * read buffer may change once this returns; others only if the socket is not {@link isBlocked} by then, else after `onDrain`.
   */
  writeTogether(before: string, bytes: Buffer, after: string): void;
  /** The other side is slow to read: something waits to be written, and {@link SocketOwner.onDrain} will tell when it has gone. */
  readonly isBlocked: boolean;
  /** Writes that the kernel took; of one that it refused, because the connection is lost, {@link SocketOwner.onLost} tells in another turn. */
  readonly writes: number;
  /**
   * Reads into a buffer of its own from the next read on, so that what is read needs no copy to be written elsewhere. For
   * long bodies; there are a few such buffers only, and without one everything is as before. To be called while it reads.
   */
  readApart(): void;
  /** Reads into the shared buffer again. */
  readShared(): void;
  /** Stops reading. The end of the stream is not seen meanwhile either. */
  pause(): void;
  resume(): void;
  /** Half-close: sends a FIN behind what was written. Reading goes on. */
  end(): void;
  /** Closes behind what was written. The owner is told nothing more. */
  destroySoon(): void;
  /** Closes at once; what the kernel has not taken by then is lost. The owner is told nothing more. May be called again. */
  destroy(): void;
  /** Closes at once with a RST, so that the other side can't take it for a proper end. The owner is told nothing more. */
  reset(): void;
  /**
   * Looks whether the connection was reset, for while nothing is read or written: then the system tells nobody. The owner hears
   * of it by `onLost`, in another turn, and what had come before the reset is lost. A system call; a FIN is not seen.
   */
  probe(): void;
  /** Has the system ask after a minute of silence whether the other side is still there. */
  keepAlive(): void;
  /** Both addresses and the remote port; empty text and 0 where they are not known any more. */
  ends(): SocketEnds;
}

export interface SocketEnds {
  readonly localAddress: string;
  readonly remoteAddress: string;
  readonly remotePort: number;
}

/** Who uses a socket. */
export interface SocketOwner {
  /** `bytes[0]` to `bytes[length - 1]` were read; they are valid during the call. */
  onRead(length: number, bytes: Buffer): void;
  /** The other side sends no more (FIN). */
  onEnd(): void;
  /** Everything that waited has been written. */
  onDrain(): void;
  /** The connection is lost. @param reason the system's name for it, such as `ECONNRESET` */
  onLost(reason: string): void;
}

/** Bytes from which on a body is worth {@link ByteSocket.readApart}. */
export const LONG_BODY = 256 * 1024;
