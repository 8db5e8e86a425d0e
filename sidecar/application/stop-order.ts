/** What is to be done next about a stop. */
export type Step =
  /** Take the instance out of use; {@link StopOrder.onDrained} when callers have left it. */
  | { readonly kind: 'drain' }
  /** Tell the application to stop; {@link StopOrder.onGraceOver} when it has had its time. */
  | { readonly kind: 'tell'; readonly signal: NodeJS.Signals }
  | { readonly kind: 'kill'; readonly why: 'grace is over' | 'second signal' }
  /** Let the sidecar carry what is left to its end; {@link StopOrder.onSidecarStopped} then. */
  | { readonly kind: 'stop-sidecar' }
  | { readonly kind: 'end'; readonly code: number };

type State =
  | { readonly kind: 'running' }
  /** Told to stop; callers leave the application. */
  | { readonly kind: 'draining'; readonly signal: NodeJS.Signals }
  /** The application has been told. */
  | { readonly kind: 'told' }
  | { readonly kind: 'killed'; readonly isHurried: boolean }
  /** The application has ended; the sidecar goes last. */
  | { readonly kind: 'sidecar-stops'; readonly code: number }
  | { readonly kind: 'over' };

/** The exit code of what SIGKILL ended. */
const KILLED = 128 + 9;

/**
 * In which order a wrapped application and its sidecar go: callers leave the application, it is told to stop, and when it has ended,
 * the sidecar follows. An application that ends by itself takes the sidecar along. Each event answers what is to be done; null: nothing.
 */
export class StopOrder {
  private state: State = { kind: 'running' };

  /** Whether an end of the application is to be expected. */
  get isStopping(): boolean {
    return this.state.kind !== 'running';
  }

  /** Told to stop, for the first time. */
  onSignal(signal: NodeJS.Signals): Step | null {
    if (this.state.kind !== 'running') return null;
    this.state = { kind: 'draining', signal };
    return { kind: 'drain' };
  }

  /** Told to stop once more: nothing is waited for any longer. */
  onSecondSignal(): Step | null {
    const { state } = this;
    switch (state.kind) {
      case 'running':
      case 'draining':
      case 'told':
        this.state = { kind: 'killed', isHurried: true };
        return { kind: 'kill', why: 'second signal' };
      case 'killed':
        return this.end(KILLED);
      case 'sidecar-stops':
        return this.end(state.code);
      case 'over':
        return null;
    }
  }

  /** Callers have left the application, or have had their time to. */
  onDrained(): Step | null {
    if (this.state.kind !== 'draining') return null;
    const { signal } = this.state;
    this.state = { kind: 'told' };
    return { kind: 'tell', signal };
  }

  onGraceOver(): Step | null {
    if (this.state.kind !== 'told') return null;
    this.state = { kind: 'killed', isHurried: false };
    return { kind: 'kill', why: 'grace is over' };
  }

  /** The application has ended, whoever wanted it, or could not be started. @param code its exit code */
  onEnded(code: number): Step | null {
    const { state } = this;
    if (state.kind === 'sidecar-stops' || state.kind === 'over') return null;
    if (state.kind === 'killed' && state.isHurried) return this.end(code);
    this.state = { kind: 'sidecar-stops', code };
    return { kind: 'stop-sidecar' };
  }

  onSidecarStopped(): Step | null {
    return this.state.kind === 'sidecar-stops' ? this.end(this.state.code) : null;
  }

  private end(code: number): Step {
    this.state = { kind: 'over' };
    return { kind: 'end', code };
  }
}
