import { request } from 'node:http';

/**
 * What makes requests to a URL. TLS is loaded with the first one that needs it: with what it brings along, it takes half a megabyte of
 * every sidecar.
 */
export function requestTo(url: string): typeof request {
  return url.startsWith('https:') ? process.getBuiltinModule('node:https').request : request;
}
