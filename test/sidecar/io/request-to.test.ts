import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { test } from 'node:test';
import { requestTo } from '../../../sidecar/io/request-to.ts';

test('requests go by TLS where the URL says so', () => {
  assert.equal(requestTo('http://control-plane:7600'), httpRequest);
  assert.equal(requestTo('https://control-plane:7600'), httpsRequest);
});
