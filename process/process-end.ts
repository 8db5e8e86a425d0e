import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Ends the process with the code. Certain, other than `process.exit`: that one waits for the runtime's threads, and one of them may be
 * stuck in the system for good (a disk that does not answer, a name that nobody resolves).
 */
export async function endProcess(code: number): Promise<void> {
  process.exitCode = code;
  for (let waited = 0; hasBusyThreads(); waited += LOOK_MS) {
    if (waited >= PATIENCE_MS) return endByForce(code);
    await sleep(LOOK_MS);
  }
  process.exit(code);
}

/** How long a thread may take to end what it does. */
const PATIENCE_MS = 200;
const LOOK_MS = 10;

function hasBusyThreads(): boolean {
  return process.getActiveResourcesInfo().some(name => THREAD_WORK.test(name));
}

/**
 * What the runtime calls the work that it gives to its threads: files and names. From Node 26 on it does not tell of a `writeFile` by
 * path; nothing here does that while it runs.
 */
const THREAD_WORK = /^(FSReq|FileHandleCloseReq|GetAddrInfoReq|GetNameInfoReq)/;

/** `process.execve`, from Node 22.15 on. */
type Execve = (file: string, args: readonly string[], environment: object) => void;

function endByForce(code: number): void {
  process.emit('exit', code);
  const { execve } = process as unknown as { execve?: Execve };
  // Another program in this one's place ends all threads, and has a code of its own.
  try {
    execve?.(process.execPath, [process.execPath, '--eval', `process.exit(${code})`], {});
  } catch {
    // Not on every system.
  }
  // The code is lost then. Supervisors take SIGTERM for a proper end.
  process.removeAllListeners('SIGTERM');
  process.kill(process.pid, code === 0 ? 'SIGTERM' : 'SIGKILL');
  // No signal ends the first process of a container, but this does.
  process.abort();
}
