import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ListenError } from '../../process/listen-error.ts';

const said = (code: string, host = '127.0.0.1') =>
  new ListenError(Object.assign(new Error(`listen ${code}`), { code }), host, 80, 'egress.listen (--listen)')
    .message;

test('tells the address, the reason and the setting', () => {
  assert.equal(
    said('EADDRINUSE'),
    'can not listen on 127.0.0.1:80: something else does already (EADDRINUSE); it is set by egress.listen (--listen)',
  );
  assert.match(said('EACCES', '::1'), /^can not listen on \[::1\]:80: permission denied/);
  assert.match(said('EADDRNOTAVAIL'), /no such address/);
  assert.match(said('ENOTFOUND', 'nohost.invalid'), /nohost\.invalid:80: there is no such host/);
  assert.match(said('EMFILE'), /: listen EMFILE; it is set by/);
});
