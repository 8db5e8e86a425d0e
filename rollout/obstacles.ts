import { type ComposeFile, type ComposeService, type Group, secondName } from './compose-file.ts';

/** Why a roll-out can not work, a sentence each, told before anything is changed. */
export function findObstacles(file: ComposeFile, group: Group): string[] {
  const names = group.kind === 'replicas' ? [group.service] : [group.owner, ...group.members];
  return names.flatMap(name => {
    const service = file.service(name);
    if (service === null) return [`There is no service ${name}, whose network others join.`];
    const sentences = group.kind === 'replicas' ? ofReplicas(service) : ofPair(service);
    const second = secondName(name);
    if (group.kind === 'pair' && file.service(second) !== null)
      sentences.push(`needs the name ${second} for a while, which another service has.`);
    return [...ofBoth(service), ...sentences].map(sentence => `${name} ${sentence}`);
  });
}

function ofBoth({ hostPorts, networkMode }: ComposeService): string[] {
  const ofPorts = hostPorts.map(
    port =>
      `publishes port ${port} of the host, which the old and the new container can not both have. Callers in the mesh do not need it; where callers outside do, put the port on a service that passes their requests on, or replace it by docker compose up -d, which interrupts them.`,
  );
  if (networkMode === 'host') {
    ofPorts.push(
      'uses the network of the host, where the old and the new container can not both listen at one port.',
    );
  } else if (networkMode !== null && /^(none|container:.*)$/.test(networkMode)) {
    ofPorts.push(
      `has the network mode ${networkMode}; it takes one in which each container has an address of its own, or service:… beside a sidecar.`,
    );
  }
  return ofPorts;
}

/** Where all containers have one definition, none of them can have what is there once. */
function ofReplicas({ containerName, fixedAddresses }: ComposeService): string[] {
  const ofName =
    containerName === null
      ? []
      : [
          `has the fixed name ${containerName} (container_name), which the old and the new container can not both have: leave it to compose to name them.`,
        ];
  const ofAddresses = fixedAddresses.map(
    network =>
      `has a fixed address in the network ${network}, which the old and the new container can not both have.`,
  );
  return [...ofName, ...ofAddresses];
}

/** The second pair goes without fixed names and addresses. */
function ofPair({ scale }: ComposeService): string[] {
  return scale > 1
    ? [
        `is to have ${scale} containers, but those that join a network all join the same one: a pair for each instance, or outrider run in one container, which scales.`,
      ]
    : [];
}
