import type { EndpointSpec } from '../upstream/endpoint.ts';
import type { EndpointListener, EndpointSource } from './endpoint-source.ts';

/** Endpoints that were written down: in the sidecar file, or as flags. */
export class StaticSource implements EndpointSource {
  readonly problem = null;
  private readonly endpoints: readonly EndpointSpec[];

  constructor(endpoints: readonly EndpointSpec[]) {
    this.endpoints = endpoints;
  }

  start(listener: EndpointListener): void {
    listener.onEndpoints(this.endpoints);
  }

  stop(): void {}
}
