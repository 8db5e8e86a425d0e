// Adds up. Asks orders what was ordered, through the proxy that HTTP_PROXY names.
import { callThroughProxy } from './client.js';
import { serve } from './server.js';

const PRICES = { margherita: 8.5, funghi: 9.5, marinara: 7.5, calzone: 11 };
const PRICE_OF_ANYTHING_ELSE = 10;

serve('accounting', [['GET', /^\/invoices\/([\w-]+)$/, invoice]]);

async function invoice(id) {
  const order = await callThroughProxy('orders', 'GET', `/orders/${id}`);
  const total = order.items.reduce((sum, item) => sum + (PRICES[item] ?? PRICE_OF_ANYTHING_ELSE), 0);
  return { id, total };
}
