import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export interface Outcome {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface Surroundings {
  readonly cwd?: string;
  readonly env?: Record<string, string>;
}

/** Runs `outrider` as its users do, to its end. */
export function runOutrider(args: readonly string[], surroundings: Surroundings = {}): Promise<Outcome> {
  return new RunningProgram([join(ROOT, 'bin/outrider.js'), ...args], surroundings).ended;
}

/** A Node program that runs beside the test. */
export class RunningProgram {
  readonly ended: Promise<Outcome>;
  stdout = '';
  stderr = '';
  private readonly child: ChildProcess;

  constructor(args: readonly string[], { cwd = ROOT, env = {} }: Surroundings = {}) {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !name.startsWith('OUTRIDER_') && !name.startsWith('NODE_TEST'),
    );
    this.child = spawn(process.execPath, args, {
      cwd,
      env: { ...Object.fromEntries(inherited), ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.child.stdout?.setEncoding('utf8').on('data', chunk => {
      this.stdout += chunk;
    });
    this.child.stderr?.setEncoding('utf8').on('data', chunk => {
      this.stderr += chunk;
    });
    this.ended = new Promise((resolve, reject) => {
      this.child.on('error', reject);
      this.child.on('close', code => resolve({ code, stdout: this.stdout, stderr: this.stderr }));
    });
  }

  kill(signal: NodeJS.Signals): void {
    this.child.kill(signal);
  }

  /** Waits until the program has written `text`. */
  async hasWritten(text: string): Promise<void> {
    let isOver = false;
    void this.ended.then(() => {
      isOver = true;
    });
    while (!this.stderr.includes(text) && !this.stdout.includes(text)) {
      if (isOver) throw new Error(`ended without ${JSON.stringify(text)}:\n${this.stdout}${this.stderr}`);
      await new Promise(resolve => setTimeout(resolve, 10));
    }
  }
}
