import { setTimeout as sleep } from 'node:timers/promises';
import { CallFailed } from '../control-plane/commands/api-client.ts';
import type { InstanceResource } from '../control-plane/contract/answers.ts';
import { formatDuration } from '../control-plane/contract/duration.ts';
import type { Container, Engine } from './engine.ts';
import type { MeshInstances } from './mesh-instances.ts';
import { ProgramFailed } from './run-program.ts';
import { describeInstance, idsOf, instancesOf, isUp, nameOf, namesOf, type Unit } from './unit.ts';

/** Why a roll-out did not come to its end, and how things stand now, for whoever asked for it. */
export class RolloutFailed extends Error {}

/** What every part of a roll-out works with. */
export interface RolloutTools {
  readonly engine: Engine;
  readonly mesh: MeshInstances;
  /** Shows progress, a line. */
  say(line: string): void;
  /** How long new instances may take to get healthy, and callers to leave an old one, in ms. */
  readonly timeout: number;
  readonly drainTimeout: number;
  /** The user wants it to stop. */
  readonly interrupted: AbortSignal;
}

/** Old units, and how to start those that take their place. */
interface ReplacementPlan {
  readonly old: readonly Unit[];
  /** How many there are to be. */
  readonly count: number;
  /** Starts new ones beside the old ones. @throws ProgramFailed */
  start(): Promise<void>;
  /** Those that were started, as they are now. @throws ProgramFailed */
  findNew(): Promise<Unit[]>;
  /** The command that goes on where it ended when some were gone already. */
  readonly again: string;
  /** What else there is to say where it ended before that. */
  readonly note: readonly string[];
}

/** How often is looked whether new instances are up. */
const LOOK_MS = 300;
/** A control plane that is restarted is away for less than this. */
const AWAY_MS = 10_000;
/** Those that never came to serve are taken away all the same when callers do not say that they left them. */
const DISCARD_DRAIN_MS = 5000;

/**
 * Puts new units in the place of old ones, so that there are always enough that serve: new ones are started beside the old ones, and have
 * to be registered and healthy; then callers leave the old ones, one after another, and only those that all callers have left are
 * stopped. Whatever goes wrong before the first old one is stopped, the new ones are taken away again.
 */
export class Replacement {
  private readonly tools: RolloutTools;
  private readonly plan: ReplacementPlan;
  /** Instances from before: whoever is at a new container's address under such an id is another one, which had the address before. */
  private known: ReadonlySet<string> = new Set();
  /** The services of the mesh that each unit stands for. */
  private services: ReadonlySet<string> = new Set();
  /** Old ones that are still there. */
  private left: readonly Unit[];
  private drained: InstanceResource[] = [];

  constructor(tools: RolloutTools, plan: ReplacementPlan) {
    this.tools = tools;
    this.plan = plan;
    this.left = plan.old;
  }

  /** @throws RolloutFailed */
  async run(): Promise<void> {
    try {
      await this.startNew();
      for (const unit of this.plan.old) {
        // Those that came up may have fallen over since.
        if (this.left.length < this.plan.old.length) await this.waitUntilUp();
        await this.retire(unit);
      }
    } catch (error) {
      throw new RolloutFailed(await this.giveUp(this.reasonOf(error)));
    }
  }

  private async startNew(): Promise<void> {
    const { engine, mesh, interrupted, say } = this.tools;
    interrupted.throwIfAborted();
    const before = await mesh.all();
    this.known = new Set(before.map(({ id }) => id));
    // An address may have changed since the containers were looked at.
    const containers = await engine.inspect(idsOf(this.plan.old));
    this.services = new Set(instancesOf({ containers }, before).map(({ service }) => service));
    await this.plan.start();
    interrupted.throwIfAborted();
    const units = await this.plan.findNew();
    if (units.length < this.plan.count)
      throw new RolloutFailed(`compose started ${units.length} of ${this.plan.count}`);
    say(`started ${namesOf(units)}`);
    await this.waitUntilUp(unit => say(`up: ${nameOf(unit)}`));
  }

  /** @param onUp told of each that is up, once @throws RolloutFailed */
  private async waitUntilUp(onUp: (unit: Unit) => void = () => {}): Promise<void> {
    const { mesh, timeout, interrupted } = this.tools;
    const end = performance.now() + timeout;
    const told = new Set<string>();
    for (;;) {
      interrupted.throwIfAborted();
      const units = await this.plan.findNew();
      const missing: string[] = [];
      let instances: readonly InstanceResource[] = [];
      try {
        instances = await mesh.all();
      } catch (error) {
        if (!(error instanceof CallFailed)) throw error;
        missing.push(error.message);
      }
      for (const unit of units) {
        const lacks = this.lackOf(unit, instances);
        if (lacks !== null) missing.push(lacks);
        else if (!told.has(nameOf(unit))) onUp(unit);
        if (lacks === null) told.add(nameOf(unit));
        const ended = unit.containers.find(({ status }) => status === 'exited' || status === 'dead');
        if (ended !== undefined)
          throw await this.explain(`${ended.name} has ended with ${ended.exitCode}`, [ended]);
      }
      if (missing.length === 0 && units.length >= this.plan.count) return;
      if (performance.now() >= end) {
        const late = units.filter(unit => this.lackOf(unit, instances) !== null);
        const reason = `not healthy within ${formatDuration(timeout)}: ${missing.join('; ')}`;
        throw await this.explain(
          reason,
          late.flatMap(({ containers }) => containers),
        );
      }
      await sleep(LOOK_MS, undefined, { signal: interrupted });
    }
  }

  /** What a new unit lacks to serve; null where it lacks nothing. */
  private lackOf(unit: Unit, all: readonly InstanceResource[]): string | null {
    const here = instancesOf(unit, all).filter(({ id }) => !this.known.has(id));
    const unwell = here.find(instance => !isUp(instance));
    if (unwell !== undefined) {
      const how = unwell.lease === 'kept' ? unwell.status : unwell.lease;
      return `${nameOf(unit)} is registered (${describeInstance(unwell)}), but as ${how}`;
    }
    const missing = [...this.services].filter(
      service => !here.some(instance => instance.service === service),
    );
    if (missing.length === 0 && here.length > 0) return null;
    const restarting = unit.containers.find(({ status }) => status === 'restarting');
    if (restarting !== undefined)
      return `${restarting.name} has ended with ${restarting.exitCode}, and is started again and again`;
    const { addresses } = unit.containers[unit.containers.length - 1];
    const where = addresses.length === 0 ? 'has no network' : `is at ${addresses.join(' and ')}`;
    return `${nameOf(unit)} ${where}, and is not registered${missing.length === 0 ? '' : ` as ${missing.join(' and ')}`}`;
  }

  /** With what the containers said last. */
  private async explain(reason: string, containers: readonly Container[]): Promise<RolloutFailed> {
    const words = await Promise.all(
      containers.map(async ({ id, name }) => {
        const said = await this.tools.engine.lastWords(id);
        return said === '' ? '' : `\n${name} said last:\n${said}`;
      }),
    );
    return new RolloutFailed(reason + words.join(''));
  }

  /** @throws RolloutFailed @throws CallFailed @throws ProgramFailed */
  private async retire(old: Unit): Promise<void> {
    const { engine, mesh, drainTimeout, interrupted, say } = this.tools;
    // As it is now: one that was started again has another address.
    const unit = { containers: await engine.inspect(idsOf([old])) };
    for (const instance of instancesOf(unit, await mesh.all(AWAY_MS))) {
      this.drained.push(instance);
      const missing = await mesh.drain(instance, drainTimeout, interrupted);
      if (missing !== null)
        throw new RolloutFailed(
          `${nameOf(unit)} (${describeInstance(instance)}) is not drained after ${formatDuration(drainTimeout)}: ${missing}`,
        );
      say(`drained ${nameOf(unit)}: all callers have left ${describeInstance(instance)}`);
    }
    interrupted.throwIfAborted();
    // From here on it is gone, whatever comes.
    this.left = this.left.filter(other => other !== old);
    this.drained = [];
    // By its name from before: it may be gone already.
    await removeUnit(this.tools, old);
  }

  /** @returns the reason, and how things stand now */
  private async giveUp(reason: string): Promise<string> {
    const { old, again, note } = this.plan;
    const gone = old.length - this.left.length;
    if (gone > 0) {
      const there = await this.plan.findNew().catch(() => []);
      const now = namesOf([...this.left, ...there]);
      return `${reason}\n${gone} of ${old.length} replaced: now there are ${now}.\nTo go on: ${again}`;
    }
    const problems = [...(await this.undrain()), ...(await this.discard())];
    if (problems.length === 0) problems.push(`Still serving: ${namesOf(old)}. What was started is removed.`);
    return [reason, ...problems, ...note].join('\n');
  }

  private async undrain(): Promise<string[]> {
    const problems: string[] = [];
    for (const instance of this.drained) {
      await this.tools.mesh.undrain(instance, AWAY_MS).catch(error => {
        problems.push(`${describeInstance(instance)} is still drained: ${error.message}`);
      });
    }
    return problems;
  }

  private async discard(): Promise<string[]> {
    const { mesh } = this.tools;
    try {
      const units = await this.plan.findNew();
      const instances = await mesh.all(AWAY_MS).catch(() => []);
      for (const unit of units) {
        const here = instancesOf(unit, instances).filter(({ id }) => !this.known.has(id));
        for (const instance of here) await mesh.drain(instance, DISCARD_DRAIN_MS, null);
        await removeUnit(this.tools, unit);
      }
      return [];
    } catch (error) {
      return [`What was started could not be removed: ${(error as Error).message}`];
    }
  }

  private reasonOf(error: unknown): string {
    if (error instanceof RolloutFailed) return error.message;
    const isKnown = error instanceof CallFailed || error instanceof ProgramFailed;
    if (isKnown && !this.tools.interrupted.aborted) return error.message;
    if (isKnown || (error as Error).name === 'AbortError') return 'interrupted';
    throw error;
  }
}

/** Stops its containers, an application before its sidecar, and removes them. @throws ProgramFailed */
export async function removeUnit({ engine, say }: RolloutTools, unit: Unit): Promise<void> {
  for (const { id } of unit.containers) await engine.stop(id);
  await engine.remove(unit.containers.map(({ id }) => id));
  say(`removed ${nameOf(unit)}`);
}
