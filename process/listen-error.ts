import { formatHostPort } from '../control-plane/contract/host-port.ts';

/** An address can't be listened on. The message is for a person: which address, which setting says so, and why not. */
export class ListenError extends Error {
  /** The system's name for the reason, such as `EADDRINUSE`. */
  readonly code: string | undefined;

  /**
   * @param error the system's
   * @param setting what says that it is to be listened on: `egress.listen (--listen)`
   */
  constructor(error: unknown, host: string, port: number, setting: string) {
    super(
      `can not listen on ${formatHostPort({ host, port })}: ${reasonOf(error)}; it is set by ${setting}`,
      { cause: error },
    );
    this.code = (error as NodeJS.ErrnoException).code;
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  switch (code) {
    case 'EADDRINUSE':
      return 'something else does already (EADDRINUSE)';
    case 'EACCES':
      return 'permission denied, ports below 1024 often need a privilege (EACCES)';
    case 'EADDRNOTAVAIL':
      return 'this machine has no such address (EADDRNOTAVAIL)';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `there is no such host (${code})`;
    default:
      return message;
  }
}
