import type { EndpointResource, PolicyDocument } from '../../control-plane/contract/resources.ts';
import type { ServiceState, WatchMessage } from '../../control-plane/contract/watch-messages.ts';

/**
 * Reads a line of the watch. Members that are not known are passed over: a later control plane may say more.
 * @returns `'unknown'` for a type of message that this version does not know
 * @throws Error with a sentence that says what is wrong with the line
 */
export function readWatchMessage(line: string): WatchMessage | 'unknown' {
  const message = asMap(parse(line), 'a message');
  switch (message.type) {
    case 'hello':
      return {
        type: 'hello',
        epoch: asText(message.epoch, 'epoch'),
        revision: asNumber(message.revision, 'revision'),
        heartbeat: asNumber(message.heartbeat, 'heartbeat'),
      };
    case 'sync':
      return {
        type: 'sync',
        revision: asNumber(message.revision, 'revision'),
        services: asList(message.services, 'services').map(readService),
      };
    case 'change':
      return {
        type: 'change',
        revision: asNumber(message.revision, 'revision'),
        service: asText(message.service, 'service'),
        exists: message.exists !== false,
        policy: message.policy === null ? null : asPolicy(message.policy),
        set: asList(message.set, 'set').map(readEndpoint),
        remove: asList(message.remove, 'remove').map(id => asText(id, 'remove')),
      };
    case 'heartbeat':
      return { type: 'heartbeat', revision: asNumber(message.revision, 'revision') };
    case 'goodbye':
      return { type: 'goodbye', reason: asText(message.reason, 'reason') };
    default:
      return 'unknown';
  }
}

/** @throws Error like {@link readWatchMessage} */
export function readService(value: unknown): ServiceState {
  const service = asMap(value, 'a service');
  return {
    name: asText(service.name, 'name'),
    exists: service.exists !== false,
    policy: asPolicy(service.policy),
    endpoints: asList(service.endpoints, 'endpoints').map(readEndpoint),
  };
}

function readEndpoint(value: unknown): EndpointResource {
  const endpoint = asMap(value, 'an endpoint');
  const port = asNumber(endpoint.port, 'port');
  const weight = asNumber(endpoint.weight, 'weight');
  if (port < 1 || port > 65_535) throw new Error(`port ${port} is none`);
  if (weight < 0) throw new Error(`weight ${weight} is below 0`);
  return {
    id: asText(endpoint.id, 'id'),
    address: asText(endpoint.address, 'address'),
    port,
    weight,
    zone: asTextOrNull(endpoint.zone, 'zone'),
    version: asTextOrNull(endpoint.version, 'version'),
    preference: endpoint.preference === 'last-resort' ? 'last-resort' : 'normal',
  };
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new Error('a line is not JSON');
  }
}

function asMap(value: unknown, what: string): { readonly [key: string]: unknown } {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new Error(`${what} is not an object`);
  }
  return value as { readonly [key: string]: unknown };
}

function asPolicy(value: unknown): PolicyDocument {
  return asMap(value, 'policy');
}

function asList(value: unknown, what: string): readonly unknown[] {
  if (!Array.isArray(value)) throw new Error(`${what} is not a list`);
  return value;
}

function asText(value: unknown, what: string): string {
  if (typeof value !== 'string') throw new Error(`${what} is not text`);
  return value;
}

function asTextOrNull(value: unknown, what: string): string | null {
  return value === null || value === undefined ? null : asText(value, what);
}

function asNumber(value: unknown, what: string): number {
  if (typeof value !== 'number' || !Number.isInteger(value)) throw new Error(`${what} is not a whole number`);
  return value;
}
