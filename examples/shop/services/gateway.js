// What customers talk to: an order is put together from what the other services know of it.
import { randomUUID } from 'node:crypto';
import { call } from './client.js';
import { serve } from './server.js';

// The id is made here, so everything behind the gateway is a PUT, and doing a PUT twice is the same as doing it once.
// That matters: a POST that was under way at an instance which died can't be sent again, as nobody knows whether it
// was acted upon. (The gateway itself has one instance, and nothing in front that could hide its death.)
serve('gateway', [
  ['POST', /^\/orders$/, (_, order) => place(randomUUID(), order)],
  ['PUT', /^\/orders\/([\w-]+)$/, place],
  ['GET', /^\/orders\/([\w-]+)$/, show],
]);

function place(id, order) {
  return call('orders', 'PUT', `/orders/${id}`, order);
}

async function show(id) {
  const [order, ticket, delivery, invoice] = await Promise.all([
    call('orders', 'GET', `/orders/${id}`),
    call('kitchen', 'GET', `/tickets/${id}`),
    call('delivery', 'GET', `/deliveries/${id}`),
    call('accounting', 'GET', `/invoices/${id}`),
  ]);
  return { id, items: order.items, kitchen: ticket.state, delivery: delivery.state, total: invoice.total };
}
