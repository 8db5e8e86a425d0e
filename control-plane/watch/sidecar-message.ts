import { isServiceName } from '../contract/service-name.ts';
import type { SidecarMessage } from '../contract/watch-messages.ts';

/** Services that one sidecar may watch. */
export const MAX_SERVICES = 2000;
const MAX_TEXT = 512;

/** A line that is no message of a sidecar. */
export class BadMessage {
  readonly reason: string;

  constructor(reason: string) {
    this.reason = reason;
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** Reads a line of a sidecar. Keys that are not known are passed over: a later version may say more. */
export function readSidecarMessage(line: string): SidecarMessage | BadMessage {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return new BadMessage('a line is not JSON');
  }
  if (typeof value !== 'object' || value === null) return new BadMessage('a line is not a JSON object');
  const fields = value as Fields;
  switch (fields.type) {
    case 'hello':
      return readHello(fields);
    case 'watch': {
      const services = readServices(fields.services);
      return services instanceof BadMessage ? services : { type: 'watch', services };
    }
    case 'applied':
      return isRevision(fields.revision)
        ? { type: 'applied', revision: fields.revision }
        : bad('applied.revision');
    case 'refused':
      if (!isRevision(fields.revision)) return bad('refused.revision');
      if (!isText(fields.service)) return bad('refused.service');
      if (typeof fields.reason !== 'string') return bad('refused.reason');
      return {
        type: 'refused',
        revision: fields.revision,
        service: fields.service,
        reason: fields.reason.slice(0, MAX_TEXT),
      };
    case 'heartbeat':
      return { type: 'heartbeat' };
    default:
      return new BadMessage(`there is no message of type ${JSON.stringify(fields.type)?.slice(0, 40)}`);
  }
}

function readHello(fields: Fields): SidecarMessage | BadMessage {
  const { sidecar, service, instance, version, known } = fields;
  if (!isText(sidecar)) return bad('hello.sidecar');
  if (service !== null && !isText(service)) return bad('hello.service');
  if (instance !== null && !isText(instance)) return bad('hello.instance');
  if (!isText(version)) return bad('hello.version');
  const services = readServices(fields.services);
  if (services instanceof BadMessage) return services;
  const state = readKnown(known);
  if (state instanceof BadMessage) return state;
  return { type: 'hello', sidecar, service, instance, version, known: state, services };
}

function readKnown(known: unknown): (SidecarMessage & { type: 'hello' })['known'] | BadMessage {
  if (known === null) return null;
  if (typeof known !== 'object') return bad('hello.known');
  const { epoch, revision } = known as Fields;
  return isText(epoch) && isRevision(revision) ? { epoch, revision } : bad('hello.known');
}

function readServices(services: unknown): string[] | BadMessage {
  if (!Array.isArray(services) || services.length > MAX_SERVICES) return bad('services');
  const names = services.filter((name): name is string => typeof name === 'string' && isServiceName(name));
  return names.length === services.length ? names : bad('services');
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= MAX_TEXT;
}

function isRevision(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function bad(key: string): BadMessage {
  return new BadMessage(`${key} is missing or not what it should be`);
}
