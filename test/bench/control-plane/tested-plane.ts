import type { PlannedChange } from './mesh-plan.ts';
import type { ServerProcess } from './server-process.ts';

/** Told whenever a watcher has applied a change, named as {@link TestedPlane.change} names it. */
export type OnApplied = (service: string, revision: number) => void;

/** A program that keeps a mesh and tells watchers of it, as the bench works with it. */
export interface TestedPlane {
  readonly name: string;
  readonly server: ServerProcess;
  /** Watchers that are connected and know all of their services. */
  readonly synchronized: number;
  /** Streams that broke. */
  readonly lost: number;
  /** Whether it serves; rejects where it can't be reached. */
  isServing(): Promise<boolean>;
  /** Opens the streams of all watchers, which open them again whenever they break. Resolves when all are synchronized. */
  connect(onApplied: OnApplied): Promise<void>;
  /** Writes all services and instances. */
  register(): Promise<void>;
  /**
   * Makes a change, and returns when it is said to be kept. For a `drain` and an `undrain` also when every caller has applied
   * it, where it knows of that.
   * @param number a number of its own for each change, growing
   * @returns the revision by which watchers tell of it
   */
  change(planned: PlannedChange, number: number): Promise<number>;
  /** How many instances it knows and takes for alive. */
  countInstances(): Promise<number>;
  /** Ends the watchers. The process is not its to end. */
  disconnect(): void;
}

/** A plane that can be tested here. */
export interface AvailablePlane {
  readonly name: string;
  readonly version: string;
  /** @param onApplied see {@link TestedPlane.connect} */
  prepare(folder: string): Promise<TestedPlane>;
}

/** A plane that can't, and why. */
export interface AbsentPlane {
  readonly name: string;
  readonly absent: string;
}
