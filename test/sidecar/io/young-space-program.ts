/** Keeps young objects alive: until the young generation is large enough, then more, then more with much under way. Prints what it came to. */
import { getHeapSpaceStatistics } from 'node:v8';
import { boundRuntimeMemory } from '../../../sidecar/io/runtime-memory.ts';

let exchanges = 0;
boundRuntimeMemory(() => exchanges);
const kept: object[] = [];

function capacity(): number {
  const space = getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')!;
  return space.space_used_size + space.space_available_size;
}

function allocate(count: number): void {
  for (let index = 0; index < count; index++) kept[index % 100_000] = { index };
}

const STEPS = [
  () => {
    while (capacity() < 3.9 * 1024 * 1024) allocate(10_000);
  },
  () => allocate(1_000_000),
  () => {
    exchanges = 1_000_000;
  },
  () => allocate(1_000_000),
];
const capacities: number[] = [];
let looks = 0;
const timer = setInterval(() => {
  // The bound looks as often, and its timer began before: behind each step it has looked.
  STEPS[looks++]();
  capacities.push(capacity());
  if (looks < STEPS.length) return;
  clearInterval(timer);
  process.stdout.write(JSON.stringify(capacities));
}, 250);
