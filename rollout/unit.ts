import type { InstanceResource } from '../control-plane/contract/answers.ts';
import { formatHostPort } from '../control-plane/contract/host-port.ts';
import type { Container } from './engine.ts';

/** What is replaced as a whole: the containers that share one network. */
export interface Unit {
  /** In the order in which they stop: an application before the sidecar that carries its calls. */
  readonly containers: readonly Container[];
}

export function nameOf({ containers }: Unit): string {
  return containers.map(({ name }) => name).join(' and ');
}

export function namesOf(units: readonly Unit[]): string {
  return units.map(nameOf).join(', ');
}

export function idsOf(units: readonly Unit[]): string[] {
  return units.flatMap(({ containers }) => containers.map(({ id }) => id));
}

export function isRunning({ containers }: Unit): boolean {
  return containers.every(({ status }) => status === 'running' || status === 'restarting');
}

/** The instances of the mesh that are at an address of the unit. */
export function instancesOf(unit: Unit, all: readonly InstanceResource[]): InstanceResource[] {
  const addresses = unit.containers.flatMap(container => container.addresses);
  return all.filter(({ address }) => addresses.includes(address));
}

export function isUp({ status, lease }: InstanceResource): boolean {
  return status === 'up' && lease === 'kept';
}

/** `kitchen at 172.18.0.5:8080` */
export function describeInstance({ service, address, port }: InstanceResource): string {
  return `${service} at ${formatHostPort({ host: address, port })}`;
}
