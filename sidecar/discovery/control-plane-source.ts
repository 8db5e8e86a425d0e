import type { EndpointResource } from '../../control-plane/contract/resources.ts';
import type { EndpointSpec } from '../upstream/endpoint.ts';
import type { EndpointListener, EndpointSource } from './endpoint-source.ts';
import type { ServiceDirectory } from './service-directory.ts';

/** The endpoints of one service as the control plane tells of them, or told before this sidecar started. */
export class ControlPlaneSource implements EndpointSource {
  private readonly directory: ServiceDirectory;
  private readonly service: string;
  private end: (() => void) | null = null;

  constructor(directory: ServiceDirectory, service: string) {
    this.directory = directory;
    this.service = service;
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
