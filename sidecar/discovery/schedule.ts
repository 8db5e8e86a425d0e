/** Runs a task once after `delayMs`, unless it is cancelled before by calling what is returned. */
export type Schedule = (task: () => void, delayMs: number) => () => void;

/**
 * By a timer of its own, which does not keep the process running. For what happens every few seconds: the data path's timer wheel would turn
 * all the time for it.
 */
export const scheduleByTimer: Schedule = (task, delayMs) => {
  const timer = setTimeout(task, delayMs).unref();
  return () => clearTimeout(timer);
};
