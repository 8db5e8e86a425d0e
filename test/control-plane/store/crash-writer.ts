/**
 * Run by crash.test.ts as a process of its own, to be killed: changes a registry kept in the directory given, and says on
 * standard output what it changed, each line only after it was committed: `instance <id> <value> <n> <revision>`, where
 * the value is n, or 0 where it was removed. Several writers work side by side; n counts the writes of one.
 */
import { otherActor } from '../../../control-plane/registry/actor.ts';
import { readMoment } from '../../../control-plane/registry/moment.ts';
import { EmbeddedStore } from '../../../control-plane/store/embedded-store.ts';
import { openRegistry } from '../../../control-plane/store/registry-keeper.ts';
import { specOf } from '../registry/meshes.ts';

const WRITERS = 8;
const [directory, first] = process.argv.slice(2);
const by = otherActor('writer');
const { registry, keeper } = await openRegistry(await EmbeddedStore.open(directory));
await say(`ready ${registry.revision}\n`);

/** Returns when the line has left the process. */
function say(line: string): Promise<unknown> {
  return new Promise(resolve => process.stdout.write(line, resolve));
}

async function writeOn(writer: number): Promise<void> {
  for (let n = Number(first); ; n++) {
    const key = `k${writer}-${n % 5}`;
    const now = readMoment();
    let value = n;
    if (n % 3 === 0) registry.putService(key, { n, pad: 'x'.repeat((n * 37) % 9000) }, by, now);
    else if (n % 7 === 1 && registry.deregister('all', key, by, now) !== null) value = 0;
    else
      registry.register(
        specOf({ service: 'all', id: key, port: 1 + writer * 10 + (n % 5), metadata: { n: `${n}` } }),
        by,
        now,
      );
    await keeper.committed();
    await say(`${n % 3 === 0 ? 'service' : 'instance'} ${key} ${value} ${n} ${registry.revision}\n`);
  }
}

await Promise.all(Array.from({ length: WRITERS }, (_, writer) => writeOn(writer)));
