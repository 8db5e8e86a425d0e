/** A sub-command of `outrider`: what it is called, what it takes, what it does. Help and reference are made from this. */
export interface Command {
  readonly name: string;
  /** A line for the list of commands. */
  readonly summary: string;
  /** A paragraph or more; empty lines part them. */
  readonly description: string;
  /** What stands on the command line besides flags, as the usage line shows it; null where nothing may. */
  readonly operands: Operands | null;
  readonly flags: readonly Flag[];
  readonly examples: readonly Example[];
  /** Whether it tells of warnings itself, in its log or its findings; else they are on standard error before it runs. */
  readonly tellsWarnings?: boolean;
  /** @returns the exit code: 0 fine, 2 bad usage or configuration, 1 anything else */
  run(invocation: Invocation, host: Host): Promise<number>;
}

interface Operands {
  readonly placeholder: string;
  readonly description: string;
  /** Whether they have to stand behind `--`: a command line with flags of its own. */
  readonly isBehindDashes?: boolean;
}

export interface Flag {
  /** Without dashes. */
  readonly name: string;
  /** One letter that says the same behind a single dash. */
  readonly short?: string;
  /** What its value is, as help shows it: `ADDRESS`; null for a flag that takes none. */
  readonly value: string | null;
  readonly isRepeatable: boolean;
  /** The environment variable that says the same; `true` or `false` for a flag that takes no value. */
  readonly variable: string;
  readonly description: string;
  /** As help shows it; null where there is none. */
  readonly default: string | null;
}

interface Example {
  readonly description: string;
  readonly command: string;
}

/** A command line, understood. */
export interface Invocation {
  /** By flag; flags that were not given are not in it. A flag without a value has one empty text. */
  readonly flags: ReadonlyMap<string, GivenFlag>;
  readonly operands: readonly string[];
  /** None where it is not said. */
  readonly warnings?: readonly VariableWarning[];
}

/** An environment variable that probably was to mean something. */
export interface VariableWarning {
  readonly variable: string;
  readonly message: string;
}

export interface GivenFlag {
  readonly values: readonly string[];
  /** Who said it, for messages: `--listen` or `OUTRIDER_LISTEN`. */
  readonly source: string;
}

/** What a command sees of the process around it. */
export interface Host {
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly version: string;
  /** Writes to standard output. */
  print(text: string): void;
  /** Writes to standard error. */
  complain(text: string): void;
}
