import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { accepted, head, parseRequest, refused, shown } from './heads.ts';

/** What is asked for and of whom: the request target's four forms, and Host. */
const parsed = (text: string) => accepted(parseRequest(text));

describe('origin form (RFC 9112 section 3.2.1)', () => {
  const targets = [
    '/',
    '/a/b?c=d&e=%20',
    '/?',
    '//other/a',
    '/http://other/',
    '/a/../b',
    '/%00%0d%0a',
    '/*',
    '/"<>[\\]^`{|}',
    `/${'a'.repeat(20_000)}`,
  ];
  for (const target of targets) {
    test(`${shown(target)} is passed on as it is`, () => {
      const { head: request, form } = parsed(head(`GET ${target} HTTP/1.1`, 'Host: up'));
      assert.deepEqual([request.target, request.authority, form], [target, 'up', 'origin']);
    });
  }

  const bad = [
    '/a#b',
    '/a\x00',
    '/a\x7f',
    '/\xc3\xa9',
    '/\x80',
    '/\xa0',
    '/\x01',
    'a',
    '?a',
    '\\a',
    '.',
    '@up/',
  ];
  for (const target of bad) {
    test(`${shown(target)} is refused`, () => {
      refused(parseRequest(head(`GET ${target} HTTP/1.1`, 'Host: up')));
    });
  }
});

describe('absolute form (RFC 9112 section 3.2.2)', () => {
  const cases: [method: string, target: string, authority: string, sent: string][] = [
    ['GET', 'http://other/a?b', 'other', '/a?b'],
    ['GET', 'http://other', 'other', '/'],
    ['GET', 'http://other?a=/b', 'other', '/?a=/b'],
    ['GET', 'HTTP://Other:8080/a', 'Other:8080', '/a'],
    ['GET', 'http://[::1]:80/a', '[::1]:80', '/a'],
    ['GET', 'http://other//a', 'other', '//a'],
    ['GET', 'http://other/@x:y', 'other', '/@x:y'],
    ['OPTIONS', 'http://other', 'other', '*'],
    ['OPTIONS', 'http://other/', 'other', '/'],
    ['OPTIONS', 'http://other?a', 'other', '/?a'],
  ];
  for (const [method, target, authority, sent] of cases) {
    test(`${method} ${target} asks ${authority} for ${sent}`, () => {
      const { head: request, form } = parsed(
        head(`${method} ${target} HTTP/1.1`, 'Accept: x', 'host: up', 'A: b'),
      );
      assert.deepEqual([request.target, request.authority, form], [sent, authority, 'absolute']);
      assert.deepEqual(request.fields, ['Accept', 'x', 'host', authority, 'A', 'b']);
    });
  }

  test('makes up for a missing Host in HTTP/1.0 only', () => {
    assert.deepEqual(parsed('GET http://other/ HTTP/1.0\r\n\r\n').head.fields, ['Host', 'other']);
    refused(parseRequest('GET http://other/ HTTP/1.1\r\n\r\n'));
  });

  const bad = [
    'http:///a',
    'http://',
    'http://?a',
    'http://:80/',
    'http://user@other/',
    'http://user:pw@other/',
    'http://@other/',
    'http://other:0/',
    'http://other:65536/',
    'http://other:x/',
    'http://a,b/',
    'http://[::1/',
    'http://[::1]x/',
    'http://[::g]/',
    'http://other\\@up/',
    'http://other\\a',
    'http://other#a',
    'http:/other/',
    'http:other',
    'http//other/',
    '://other/',
    'https://other/',
    'ftp://other/',
    'urn:a:b',
    'other:80',
    'other',
  ];
  for (const target of bad) {
    test(`${target} is refused`, () => {
      refused(parseRequest(head(`GET ${target} HTTP/1.1`, 'Host: up')));
    });
  }
});

describe('authority form (RFC 9112 section 3.2.3)', () => {
  for (const target of ['other:443', '[::1]:443', 'other:1']) {
    test(`CONNECT ${target}`, () => {
      const { head: request, form, framing } = parsed(head(`CONNECT ${target} HTTP/1.1`, 'Host: up'));
      assert.deepEqual([request.target, request.authority, form, framing], [target, target, 'authority', 0]);
      assert.deepEqual(request.fields, ['Host', target]);
    });
  }

  const bad = [
    'other',
    'other:',
    'other:0',
    'other:65536',
    ':443',
    '/',
    '*',
    'http://other:443',
    'u@other:443',
    'other:443/',
  ];
  for (const target of bad) {
    test(`CONNECT ${target} is refused`, () => {
      refused(parseRequest(head(`CONNECT ${target} HTTP/1.1`, 'Host: up')));
    });
  }

  test('a body with it is refused (RFC 9110 section 9.3.6)', () => {
    refused(parseRequest(head('CONNECT other:443 HTTP/1.1', 'Host: up', 'Content-Length: 5')));
    refused(parseRequest(head('CONNECT other:443 HTTP/1.1', 'Host: up', 'Transfer-Encoding: chunked')));
  });
});

describe('asterisk form (RFC 9112 section 3.2.4)', () => {
  test('OPTIONS * is for the server that Host names', () => {
    const { head: request, form } = parsed(head('OPTIONS * HTTP/1.1', 'Host: up'));
    assert.deepEqual([request.target, request.authority, form], ['*', 'up', 'asterisk']);
  });

  for (const line of ['GET *', 'POST *', 'options *', 'OPTIONS **', 'OPTIONS */', 'OPTIONS *?a']) {
    test(`${line} is refused`, () => {
      refused(parseRequest(head(`${line} HTTP/1.1`, 'Host: up')));
    });
  }
});

describe('Host (RFC 9112 section 3.2)', () => {
  const bad: [why: string, ...lines: string[]][] = [
    ['none'],
    ['none but others like it', 'X-Host: up', 'Hosts: up', 'Hos: up'],
    ['two', 'Host: up', 'Host: other'],
    ['the same twice', 'Host: up', 'Accept: x', 'hOST: up'],
    ['two, the first empty', 'Host:', 'Host: up'],
    ['two, and a length', 'Host: up', 'Content-Length: 5', 'Host: up'],
    ['empty', 'Host:'],
    ['white space', 'Host: \t'],
    ['two names', 'Host: up other'],
    ['a list', 'Host: up,other'],
    ['a list with a space', 'Host: up, other'],
    ['user information', 'Host: user@up'],
    ['a URL', 'Host: http://up'],
    ['a path', 'Host: up/a'],
    ['a port that is none', 'Host: up:x'],
    ['NBSP', 'Host: \xa0up'],
    ['a broken escape', 'Host: up%2'],
  ];
  for (const [why, ...lines] of bad) {
    test(`refused: ${why}`, () => {
      refused(parseRequest(head('GET / HTTP/1.1', ...lines)));
      refused(parseRequest(head('GET http://up/ HTTP/1.1', ...lines)));
      if (lines.length > 0 && !lines[0].startsWith('X-'))
        refused(parseRequest(head('GET / HTTP/1.0', ...lines)));
    });
  }

  test('may be missing in HTTP/1.0: then nothing says who is asked', () => {
    assert.equal(parsed(head('GET / HTTP/1.0')).head.authority, '');
  });

  test('keeps its case, place and port', () => {
    const request = parsed(head('GET / HTTP/1.1', 'A: b', 'hOsT: Up:80', 'C: d')).head;
    assert.equal(request.authority, 'Up:80');
    assert.deepEqual(request.fields, ['A', 'b', 'hOsT', 'Up:80', 'C', 'd']);
  });

  test('is not removed on the word of Connection (RFC 9110 section 7.6.1)', () => {
    const request = parsed(
      head('POST / HTTP/1.1', 'Host: up', 'Content-Length: 5', 'Connection: host, content-length'),
    );
    assert.deepEqual(request.head.fields, ['Host', 'up', 'Content-Length', '5']);
    assert.equal(request.framing, 5);
  });
});
