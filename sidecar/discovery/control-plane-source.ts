import type { EndpointResource } from '../../control-plane/contract/resources.ts';
import type { EndpointSpec } from '../upstream/endpoint.ts';
import type { EndpointListener, EndpointSource } from './endpoint-source.ts';
import type { ServiceDirectory } from './service-directory.ts';

/** The endpoints of one service as the control plane tells of them, or told before this sidecar started. */
export class ControlPlaneSource implements EndpointSource {
  private readonly directory: ServiceDirectory;
  private readonly service: string;
  private readonly explain: (service: string) => string | null;
  private end: (() => void) | null = null;

  /** @param explain why the control plane has told of no endpoint of a service, a sentence; null where that is just so */
  constructor(directory: ServiceDirectory, service: string, explain: (service: string) => string | null) {
    this.directory = directory;
    this.service = service;
    this.explain = explain;
  }

  get problem(): string | null {
    const known = this.directory.get(this.service);
    return known === undefined || known.endpoints.size === 0 ? this.explain(this.service) : null;
  }

  start(listener: EndpointListener): void {
    this.end = this.directory.listen(this.service, {
      onSync: ({ endpoints }) => listener.onEndpoints([...endpoints.values()].map(specOf)),
      onChange: (set, removed) => listener.onChange(set.map(specOf), removed),
    });
  }

  stop(): void {
    this.end?.();
    this.end = null;
  }
}

function specOf({ id, address, port, weight, zone, version, preference }: EndpointResource): EndpointSpec {
  return { id, address, port, weight, zone, version, isLastResort: preference === 'last-resort' };
}
