// Keeps the orders and tells the kitchen of each.
import { call } from './client.js';
import { Records } from './records.js';
import { HttpError, serve } from './server.js';

const orders = new Records('orders');

serve('orders', [
  ['PUT', /^\/orders\/([\w-]+)$/, place],
  ['GET', /^\/orders\/([\w-]+)$/, id => orders.get(id)],
]);

async function place(id, body) {
  const order = { id, items: itemsOf(body) };
  await orders.put(id, order);
  await call('kitchen', 'PUT', `/tickets/${id}`, { items: order.items });
  return order;
}

function itemsOf(body) {
  const items = body?.items;
  if (!Array.isArray(items) || items.length === 0 || !items.every(item => typeof item === 'string')) {
    throw new HttpError(400, 'an order is { "items": ["margherita", …] }');
  }
  return items;
}
