import { ComposeFile } from './compose-file.ts';
import { ProgramFailed, runProgram } from './run-program.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** What of the command line is for compose. */
export interface ComposeFlags {
  /** The command with its first arguments; null: whichever is there. */
  readonly command: readonly string[] | null;
  readonly files: readonly string[];
  readonly project: string | null;
}

const KNOWN_COMMANDS: readonly (readonly string[])[] = [['docker', 'compose'], ['docker-compose']];

interface Start {
  /** How many containers there are to be. */
  readonly scale: number;
  /** Another file than that of the project. */
  readonly file?: string;
  readonly signal: AbortSignal;
}

/** The compose command, for one project. */
export class Compose {
  private readonly command: readonly string[];
  private readonly flags: ComposeFlags;
  private readonly environment: Environment;

  private constructor(command: readonly string[], flags: ComposeFlags, environment: Environment) {
    this.command = command;
    this.flags = flags;
    // A second pair is not in the project's file: nobody is to take it for something forgotten.
    this.environment = { ...environment, COMPOSE_REMOVE_ORPHANS: 'false', COMPOSE_IGNORE_ORPHANS: 'true' };
  }

  /** @throws ProgramFailed where there is none */
  static async find(flags: ComposeFlags, environment: Environment): Promise<Compose> {
    const candidates = flags.command === null ? KNOWN_COMMANDS : [flags.command];
    let failed: unknown;
    for (const command of candidates) {
      try {
        await runProgram([...command, 'version'], { environment });
        return new Compose(command, flags, environment);
      } catch (error) {
        failed = error;
      }
    }
    if (flags.command !== null) throw failed;
    throw new ProgramFailed(['docker compose', 'and', 'docker-compose'], 'can both not be run', '');
  }

  /** The project's file, merged and filled in. @throws ProgramFailed @throws Error where it can't be read */
  async readFile(): Promise<ComposeFile> {
    const { stdout } = await this.run(this.own('config'));
    return new ComposeFile(stdout);
  }

  /** The ids of the project's containers. @throws ProgramFailed */
  async containers(): Promise<string[]> {
    const { stdout } = await this.run(this.own('ps', '-q'));
    return stdout.split('\n').filter(line => line !== '');
  }

  /** The command line that {@link start} runs. */
  describeStart(service: string, scale: number): string {
    return this.own(...upArguments(service, scale)).join(' ');
  }

  /** Adds containers of a service until there are as many as asked for; those that run are left alone. @throws ProgramFailed */
  async start(project: string, service: string, { scale, file, signal }: Start): Promise<void> {
    const up = upArguments(service, scale);
    if (file === undefined) await this.run(this.own(...up), { signal });
    else await this.run([...this.command, '-f', '-', '-p', project, ...up], { input: file, signal });
  }

  private own(...args: string[]): string[] {
    const { files, project } = this.flags;
    const ofProject = project === null ? [] : ['-p', project];
    return [...this.command, ...files.flatMap(file => ['-f', file]), ...ofProject, ...args];
  }

  private run(line: readonly string[], more: { input?: string; signal?: AbortSignal } = {}) {
    return runProgram(line, { environment: this.environment, ...more });
  }
}

function upArguments(service: string, scale: number): string[] {
  return ['up', '-d', '--no-deps', '--no-recreate', '--scale', `${service}=${scale}`, service];
}
