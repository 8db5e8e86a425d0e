import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { builtBundle } from '../bundle.ts';
import { temporaryFolder } from '../command.ts';
import { describeMachine } from '../machine.ts';
import { type Pinning, planPinning } from '../pinning.ts';
import { renderMachine } from '../report.ts';
import { MeshPlan } from './mesh-plan.ts';
import type { ControlPlaneBenchOptions } from './options.ts';
import { measurePlane, type PlaneFigures } from './plane-bench.ts';
import { consulPlane } from './planes/consul.ts';
import { etcdPlane } from './planes/etcd.ts';
import { outriderPlane } from './planes/outrider.ts';
import { planesToJson, renderPlanes } from './report.ts';
import type { AbsentPlane, AvailablePlane } from './tested-plane.ts';

/**
 * `npm run bench -- control-plane`: how fast a change reaches those whom it concerns, through our control plane and through
 * what others use for it.
 * @returns the exit code
 */
export async function benchControlPlane(options: ControlPlaneBenchOptions): Promise<number> {
  const folder = temporaryFolder('bench');
  const cores = planPinning();
  const { services, instances, watchers, uses, changes } = options;
  const mesh = `${services} services, ${instances} instances, ${watchers} sidecars that use ${uses} each, ${changes} changes/s`;
  const command = ['npm run bench --', ...process.argv.slice(2)].join(' ');
  const machine = describeMachine(cores);
  const plan = new MeshPlan(options);
  const found = findPlanes(options, plan, 'reason' in cores ? null : cores);
  const versions = Object.fromEntries(
    found.map(plane => [plane.name, 'absent' in plane ? `skipped: ${plane.absent}` : plane.version]),
  );
  console.log(renderMachine(machine, { mesh, ...versions }, command));

  const planes = found.filter((plane): plane is AvailablePlane => !('absent' in plane));
  const measured = new Map<string, PlaneFigures[]>(planes.map(({ name }) => [name, []]));
  for (let round = 0; round < options.rounds; round++) {
    for (let i = 0; i < planes.length; i++) {
      // Each round begins with another one, so that none always follows the same neighbour.
      const plane = planes[(i + round) % planes.length];
      const ownFolder = join(folder, plane.name);
      mkdirSync(ownFolder);
      measured.get(plane.name)?.push(await measurePlane(await plane.prepare(ownFolder), plan, options));
      rmSync(ownFolder, { recursive: true, force: true });
    }
  }
  console.log(`\n${renderPlanes(measured)}`);
  if (options.json !== null) {
    const result = { machine, mesh, versions, command, planes: planesToJson(measured) };
    writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`);
  }
  return [...measured.values()].flat().some(({ errors }) => errors.length > 0) ? 1 : 0;
}

function findPlanes(
  options: ControlPlaneBenchOptions,
  plan: MeshPlan,
  pinning: Pinning | null,
): (AvailablePlane | AbsentPlane)[] {
  const find = {
    outrider: () => outriderPlane(options.node, options.bundle ?? builtBundle(), plan, pinning),
    etcd: () => etcdPlane(plan, pinning),
    consul: () => consulPlane(plan, pinning),
  };
  return options.planes.map(name => find[name]());
}
