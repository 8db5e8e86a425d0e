// Cooks. Calls delivery by its host name.
import { setTimeout as sleep } from 'node:timers/promises';
import { callHost } from './client.js';
import { Records } from './records.js';
import { serve } from './server.js';

const COOKING_MS = 2000;
const tickets = new Records('tickets');

serve('kitchen', [
  ['PUT', /^\/tickets\/([\w-]+)$/, take],
  ['GET', /^\/tickets\/([\w-]+)$/, look],
]);

async function take(id, { items }) {
  const ticket = await tickets.put(id, { id, items, readyAt: Date.now() + COOKING_MS });
  await callHost('delivery', 'PUT', `/deliveries/${id}`, { from: 'kitchen' });
  return ticket;
}

async function look(id) {
  const ticket = await tickets.get(id);
  // Somebody has to walk to the oven.
  await sleep(2 + 8 * Math.random());
  return { ...ticket, state: Date.now() < ticket.readyAt ? 'cooking' : 'ready' };
}
