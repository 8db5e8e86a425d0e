import { setTimeout as sleep } from 'node:timers/promises';
import { formatDuration } from '../control-plane/contract/duration.ts';
import type { Compose } from './compose.ts';
import { type ComposeFile, type Group, secondName } from './compose-file.ts';
import type { Container } from './engine.ts';
import { Replacement, RolloutFailed, type RolloutTools, removeUnit } from './replacement.ts';
import { describeInstance, idsOf, instancesOf, isRunning, isUp, namesOf, type Unit } from './unit.ts';

type Pair = Extract<Group, { kind: 'pair' }>;

interface RolloutContext extends RolloutTools {
  readonly compose: Compose;
  readonly file: ComposeFile;
  /** The name of the compose project. */
  readonly project: string;
  /** Says what would be done, and does nothing. */
  readonly isDryRun: boolean;
}

/**
 * Rolls a service out whose containers are instances each (`outrider run`): as many new ones beside the old ones, then the old ones go.
 * @param scale how many there are to be; null: as many as run now
 * @throws RolloutFailed
 */
export async function rollOutReplicas(
  context: RolloutContext,
  service: string,
  scale: number | null,
): Promise<void> {
  const { engine, compose, project, say, isDryRun, interrupted } = context;
  const all = unitsOf(await engine.containersOf(project, [service]));
  const old = all.filter(isRunning);
  const stopped = all.filter(unit => !isRunning(unit));
  await checkServing(context, service, old);
  const count = scale ?? old.length;
  const total = old.length + count;
  if (isDryRun) {
    if (stopped.length > 0) say(`would remove ${namesOf(stopped)}, which do not run`);
    say(`would start ${count} beside them: ${compose.describeStart(service, total)}`);
    return sayRest(context, old);
  }
  // Compose would start these too, as they are.
  for (const unit of stopped) await removeUnit(context, unit);
  const before = new Set(idsOf(old));
  await new Replacement(context, {
    old,
    count,
    start() {
      say(`starts ${count} beside them: ${compose.describeStart(service, total)}`);
      return compose.start(project, service, { scale: total, signal: interrupted });
    },
    findNew: async () =>
      unitsOf((await engine.containersOf(project, [service])).filter(({ id }) => !before.has(id))),
    again: `outrider rollout ${service} --scale ${count}`,
    note: [],
  }).run();
}

/**
 * Rolls a pair out: an application's container in the network of its sidecar's. Compose lets all that join a network join the same
 * one, so it can not have two pairs of the same two services. Hence a second pair, of services that are in no file, takes over while
 * the first one is started anew in its place, and goes. In the end the pair is what `docker compose up -d` would have made.
 * @throws RolloutFailed
 */
export async function rollOutPair(context: RolloutContext, pair: Pair): Promise<void> {
  const { compose, say, isDryRun } = context;
  const name = pair.members.join(' and ');
  const again = `outrider rollout ${pair.members[0]}`;
  const second: Pair = { kind: 'pair', owner: secondName(pair.owner), members: pair.members.map(secondName) };
  const first = await findPair(context, pair);
  const left = await findPair(context, second);
  // A roll-out that was killed in the middle has left the second pair, which may be the only one that serves.
  const isResumed = left !== null && (await isServing(context, left)) && !(await isServing(context, first));
  const serving = isResumed ? left : first;
  if (serving === null) throw notRunning(name);
  await checkServing(context, name, [serving]);

  const secondNames = `${second.members.join(' and ')} and ${second.owner}`;
  if (isDryRun) {
    if (!isResumed) {
      if (left !== null)
        say(`would drain, stop and remove ${namesOf([left])}, which an earlier roll-out left`);
      say(`would start a second pair beside it: ${secondNames}`);
      sayRest(context, [serving]);
    }
    for (const service of [pair.owner, ...pair.members])
      say(`would start the pair anew: ${compose.describeStart(service, 1)}`);
    say(`would wait until it is up, then drain, stop and remove ${secondNames}`);
    return;
  }

  if (isResumed) say(`goes on where an earlier roll-out ended: ${namesOf([left])} serve`);
  else {
    if (left !== null) await dropSecond(context, left);
    const text = context.file.withSecond(pair.owner, pair.members, service => imageOf(serving, service));
    await replacePair(context, serving, second, { text, again, note: [] });
  }
  const standing = await findPair(context, second);
  if (standing === null)
    throw new RolloutFailed(`${secondNames} are gone, and nobody serves as ${name} now.`);
  const dead = await findPair(context, pair);
  if (dead !== null) await removeUnit(context, dead);
  const note = [`It is the temporary pair. To go on: ${again}`];
  await replacePair(context, standing, pair, { again, note });
}

interface PairStart {
  /** The compose file that has it; where it is left out, that of the project. */
  readonly text?: string;
  readonly again: string;
  readonly note: readonly string[];
}

/** Starts a pair, the sidecar first, and lets it take the place of another one. */
async function replacePair(
  context: RolloutContext,
  old: Unit,
  pair: Pair,
  { text, again, note }: PairStart,
): Promise<void> {
  const { compose, project, interrupted, say } = context;
  const more = { scale: 1, signal: interrupted, ...(text === undefined ? {} : { file: text }) };
  await new Replacement(context, {
    old: [old],
    count: 1,
    async start() {
      say(`starts ${pair.owner}, then ${pair.members.join(' and ')}`);
      await compose.start(project, pair.owner, more);
      await waitForSidecar(context, pair.owner);
      for (const member of pair.members) await compose.start(project, member, more);
    },
    async findNew() {
      const unit = await findPair(context, pair);
      return unit === null ? [] : [unit];
    },
    again,
    note,
  }).run();
}

const LOOK_MS = 300;

/** Until the engine calls the sidecar healthy, where it is asked to look: an application may call others as soon as it starts. */
async function waitForSidecar(context: RolloutContext, service: string): Promise<void> {
  const { engine, project, timeout, interrupted } = context;
  const end = performance.now() + timeout;
  for (;;) {
    const [sidecar] = await engine.containersOf(project, [service]);
    if (sidecar === undefined || sidecar.health === null || sidecar.health === 'healthy') return;
    if (sidecar.status === 'exited' || performance.now() >= end) {
      const words = await engine.lastWords(sidecar.id);
      const reason = `${sidecar.name} is not healthy within ${formatDuration(timeout)}: ${sidecar.status}, ${sidecar.health}`;
      throw new RolloutFailed(`${reason}\n${sidecar.name} said last:\n${words}`);
    }
    await sleep(LOOK_MS, undefined, { signal: interrupted });
  }
}

/** Takes away what an earlier roll-out left beside a pair that serves. */
async function dropSecond(context: RolloutContext, left: Unit): Promise<void> {
  const { mesh, drainTimeout, interrupted, say } = context;
  say(`an earlier roll-out left ${namesOf([left])}`);
  for (const instance of instancesOf(left, await mesh.all())) {
    const missing = await mesh.drain(instance, drainTimeout, interrupted);
    if (missing !== null) throw new RolloutFailed(`${describeInstance(instance)} is not drained: ${missing}`);
  }
  await removeUnit(context, left);
}

/** Tells which units go. @throws RolloutFailed where no request reaches any of them */
async function checkServing(
  { mesh, say }: RolloutContext,
  name: string,
  old: readonly Unit[],
): Promise<void> {
  if (old.length === 0) throw notRunning(name);
  const all = await mesh.all();
  for (const unit of old) {
    const here = instancesOf(unit, all).map(describeInstance);
    say(
      `to be replaced: ${namesOf([unit])}, ${here.length === 0 ? 'which is not registered' : here.join(', ')}`,
    );
  }
  if (old.some(unit => instancesOf(unit, all).length > 0)) return;
  const addresses = old.flatMap(({ containers }) => containers.flatMap(container => container.addresses));
  throw new RolloutFailed(
    `The control plane knows no instance at ${addresses.join(', ')}, where ${name} runs, so there is nothing that a roll-out could take over from. Instances are found by the addresses of their containers: one that advertises another (app.advertise) can not be rolled out. Is it the right control plane?`,
  );
}

async function isServing({ mesh }: RolloutContext, unit: Unit | null): Promise<boolean> {
  return unit !== null && isRunning(unit) && instancesOf(unit, await mesh.all()).some(isUp);
}

function sayRest({ say }: RolloutContext, old: readonly Unit[]): void {
  say('would wait until the new instances are up');
  for (const unit of old) say(`would drain, stop and remove ${namesOf([unit])}`);
}

function notRunning(name: string): RolloutFailed {
  return new RolloutFailed(
    `${name} does not run, so there is nothing to take over from: start it by compose up -d.`,
  );
}

function unitsOf(containers: readonly Container[]): Unit[] {
  return containers.map(container => ({ containers: [container] }));
}

/** As far as it is there; null where nothing of it is. @throws RolloutFailed where there are several */
async function findPair({ engine, project }: RolloutContext, pair: Pair): Promise<Unit | null> {
  const containers = await engine.containersOf(project, [...pair.members, pair.owner]);
  const surplus = containers.find(({ service }, i) => service === containers[i + 1]?.service);
  if (surplus !== undefined)
    throw new RolloutFailed(`${surplus.service} has several containers, where a pair has one.`);
  return containers.length === 0 ? null : { containers };
}

/** The name under which compose builds a service's image; containers have it from their start. */
function imageOf({ containers }: Unit, service: string): string {
  const container = containers.find(one => one.service === service);
  return container?.image ?? service;
}
