// How the shop's services call each other. Nothing here knows of a mesh: a service is found under the URL that its
// caller was given in the environment, and a call that fails is a failed call. Each of the shop's teams has its own habit.
import http from 'node:http';
import { HttpError } from './server.js';

/**
 * The newest habit: fetch, from `ORDERS_URL` and the like.
 * @param {string} service
 * @param {string} method
 * @param {string} path
 * @param {unknown} [body]
 * @returns {Promise<any>} the answer's JSON
 */
export async function call(service, method, path, body) {
  const response = await fetch(urlOf(service) + path, {
    method,
    headers: body === undefined ? {} : { 'content-type': 'application/json' },
    body: body === undefined ? undefined : JSON.stringify(body),
  }).catch(error => {
    throw new HttpError(502, `${service} can not be reached: ${error.cause?.message ?? error.message}`);
  });
  return jsonOf(service, response.status, await response.text());
}

/**
 * The habit of a team that is used to name-based virtual hosts: one address for everybody, `Host` says who is meant
 * (`DELIVERY_HOST`; where the name itself resolves, `DELIVERY_URL=http://delivery` is enough).
 */
export function callHost(service, method, path, body) {
  const url = new URL(urlOf(service));
  const host = process.env[`${service.toUpperCase()}_HOST`] ?? url.host;
  return callAt(service, { hostname: url.hostname, port: url.port, method, path, headers: { host } }, body);
}

/** The habit of a team behind a company proxy: `HTTP_PROXY` gets the whole URL (RFC 9112 section 3.2.2). */
export function callThroughProxy(service, method, path, body) {
  const url = new URL(urlOf(service) + path);
  if (!process.env.HTTP_PROXY) {
    return callAt(service, { hostname: url.hostname, port: url.port, method, path }, body);
  }
  const { hostname, port } = new URL(process.env.HTTP_PROXY);
  return callAt(service, { hostname, port, method, path: url.href, headers: { host: url.host } }, body);
}

function callAt(service, options, body) {
  return new Promise((resolve, reject) => {
    const gone = error => reject(new HttpError(502, `${service} can not be reached: ${error.message}`));
    const request = http.request(options, response => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', chunk => {
        text += chunk;
      });
      response.on('error', gone);
      response.on('end', () => {
        try {
          resolve(jsonOf(service, response.statusCode, text));
        } catch (error) {
          reject(error);
        }
      });
    });
    request.on('error', gone);
    if (body !== undefined) request.setHeader('content-type', 'application/json');
    request.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

function urlOf(service) {
  const url = process.env[`${service.toUpperCase()}_URL`];
  if (!url) throw new HttpError(500, `${service.toUpperCase()}_URL is not set`);
  return url;
}

function jsonOf(service, status, text) {
  if (status === 404) throw new HttpError(404, `${service} does not know it`);
  if (status >= 400) throw new HttpError(502, `${service} answered ${status}: ${text.trim()}`);
  return JSON.parse(text);
}
