// Brings it. Asks the kitchen through the proxy that HTTP_PROXY names.
import { callThroughProxy } from './client.js';
import { Records } from './records.js';
import { serve } from './server.js';

const deliveries = new Records('deliveries');

serve('delivery', [
  ['PUT', /^\/deliveries\/([\w-]+)$/, (id, { from }) => deliveries.put(id, { id, from })],
  ['GET', /^\/deliveries\/([\w-]+)$/, track],
]);

async function track(id) {
  const [delivery, ticket] = await Promise.all([
    deliveries.get(id),
    callThroughProxy('kitchen', 'GET', `/tickets/${id}`),
  ]);
  return { ...delivery, state: ticket.state === 'ready' ? 'on its way' : 'waiting for the kitchen' };
}
