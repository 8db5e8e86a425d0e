import { TimerWheel } from '../../sidecar/io/timer-wheel.ts';
import { START } from './exchanges.ts';

/** A wheel with ticks of a millisecond whose time passes only where the test says so. */
export class HandClock {
  readonly wheel: TimerWheel;
  private time = START;

  constructor() {
    this.wheel = new TimerWheel(() => this.time, 1);
  }

  get now(): number {
    return this.time;
  }

  /** Lets time pass, a millisecond at a time: what fires does so exactly when it is due. */
  advance(ms: number): void {
    for (const end = this.time + ms; this.time < end; ) {
      this.time++;
      this.wheel.turn(this.time);
    }
  }

  /** Lets time pass at once, as for a process that was stopped: nothing has fired meanwhile. */
  jump(ms: number): void {
    this.time += ms;
    this.wheel.turn(this.time);
  }
}
