/** What mutations start from, as latin1 text: good messages, and the shapes by which messages have been smuggled. */

export interface Corpus {
  readonly good: readonly string[];
  readonly smuggling: readonly string[];
}

const lines = (...parts: string[]) => `${parts.join('\r\n')}\r\n\r\n`;
const NEXT = lines('GET /next HTTP/1.1', 'Host: up');
const SMUGGLED = lines('GET /smuggled HTTP/1.1', 'Host: up');
const post = (...fields: string[]) => lines('POST /a HTTP/1.1', 'Host: up', ...fields);
const HELLO_CHUNKS = '5\r\nhello\r\n0\r\n\r\n';

const GOOD_REQUESTS = [
  lines('GET / HTTP/1.1', 'Host: up'),
  lines('GET /a/b?c=d HTTP/1.1', 'Host: up:8080', 'Accept: */*', 'User-Agent: x/1 (y; z)', 'X-A: "a, b"'),
  lines('GET / HTTP/1.1', 'Host: [::1]:80', 'Connection: keep-alive, x-a', 'X-A: 1', 'X-B:'),
  lines('HEAD / HTTP/1.1', 'host:up', 'Accept:\t*/* '),
  lines('GET / HTTP/1.0', 'Host: up', 'Connection: keep-alive'),
  lines('GET / HTTP/1.0'),
  lines('GET http://other:80/a?b HTTP/1.1', 'Host: up'),
  lines('GET http://other HTTP/1.0'),
  lines('OPTIONS * HTTP/1.1', 'Host: up', 'Max-Forwards: 3'),
  lines('OPTIONS http://other HTTP/1.1', 'Host: other'),
  lines('TRACE /a HTTP/1.1', 'Host: up', 'Max-Forwards: 0'),
  lines('CONNECT other:443 HTTP/1.1', 'Host: other:443'),
  lines(
    'GET /chat HTTP/1.1',
    'Host: up',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Version: 13',
  ),
  lines(
    'GET / HTTP/1.1',
    'Host: up',
    'Upgrade: h2c',
    'HTTP2-Settings: AAA',
    'Connection: Upgrade, HTTP2-Settings',
  ),
  `${post('Content-Length: 5')}hello`,
  `${post('Content-Length: 0')}`,
  `${post('Content-Length: 5', 'Expect: 100-continue')}hello`,
  `${lines('PUT /a HTTP/1.1', 'Content-Length: 44', 'Host: up')}${SMUGGLED.slice(0, 44).padEnd(44)}`,
  `${post('Transfer-Encoding: chunked')}${HELLO_CHUNKS}`,
  `${post('Transfer-Encoding: chunked', 'Trailer: X-T')}1\r\na\r\n00A;x="y;\\"z";w\r\n0123456789\r\n0\r\nX-T: 1\r\nX-U: 2\r\n\r\n`,
  `${post('Transfer-Encoding: Chunked', 'Connection: close')}0\r\n\r\n`,
  `${post('Transfer-Encoding: chunked', 'Connection: x-t, te')}0\r\nX-T: 1\r\nX-U: 2\r\n\r\n`,
  `${lines('DELETE /a HTTP/1.1', 'Host: up', 'Content-Length: 2')}ok`,
];

/** CL.TE, TE.CL, TE.TE, CL.0, 0.CL, TE.0 and their disguises; line-end, terminator and extension tricks; Host and target. */
const SMUGGLING_REQUESTS = [
  `${post('Content-Length: 6', 'Transfer-Encoding: chunked')}0\r\n\r\nG`,
  `${post('Transfer-Encoding: chunked', 'Content-Length: 4')}2e\r\n${SMUGGLED}\r\n0\r\n\r\n`,
  `${post('Transfer-Encoding: chunked', 'Transfer-Encoding: x')}${HELLO_CHUNKS}`,
  `${post('Transfer-Encoding: xchunked', 'Content-Length: 5')}${HELLO_CHUNKS}`,
  `${post('Transfer-Encoding : chunked', 'Content-Length: 5')}${HELLO_CHUNKS}`,
  `${post('Transfer-Encoding:\x0bchunked', 'Content-Length: 5')}${HELLO_CHUNKS}`,
  `${post('Transfer-Encoding: chunked\xa0', 'Content-Length: 5')}${HELLO_CHUNKS}`,
  `${post('X: y\nTransfer-Encoding: chunked', 'Content-Length: 5')}${HELLO_CHUNKS}`,
  `${post('X: y\rTransfer-Encoding: chunked', 'Content-Length: 5')}${HELLO_CHUNKS}`,
  `${post('Transfer-Encoding:', ' chunked', 'Content-Length: 5')}${HELLO_CHUNKS}`,
  `${post('Transfer-Encoding: chunked, identity', 'Content-Length: 5')}${HELLO_CHUNKS}`,
  `${post('Transfer-Encoding: identity, chunked')}${HELLO_CHUNKS}`,
  `${post('\0Transfer-Encoding: chunked', 'Content-Length: 5')}${HELLO_CHUNKS}`,
  `${post('"Transfer-Encoding": chunked', 'Content-Length: 5')}${HELLO_CHUNKS}`,
  `${post('Foo: bar', '\tTransfer-Encoding: chunked', 'Content-Length: 5')}${HELLO_CHUNKS}`,
  `${post('Content-Length: 5', 'Content-Length: 44')}${SMUGGLED}`,
  `${post('Content-Length: 5, 44')}${SMUGGLED}`,
  `${post('Content-Length: +5')}hello`,
  `${post('Content-Length: 0x5')}hello`,
  `${post('Content-Length: 18446744073709551621')}hello`,
  `${post('Content-Length: -5')}hello`,
  `${post('Content-Length:\n 5')}hello`,
  `${post('Content-Length : 44')}${SMUGGLED}`,
  `${post('Content_Length: 44', 'Content-Length: 0')}`,
  `${lines('GET /a HTTP/1.1', 'Host: up', 'Content-Length: 44')}${SMUGGLED}`,
  `${lines('POST /a HTTP/1.0', 'Host: up', 'Transfer-Encoding: chunked')}${HELLO_CHUNKS}`,
  `${post('Transfer-Encoding: chunked')}5\nhello\r\n0\r\n\r\n`,
  `${post('Transfer-Encoding: chunked')}5;\nhello\r\n0\r\n\r\n`,
  `${post('Transfer-Encoding: chunked')}2;\nxx\r\n2c\r\n0\r\n\r\n${SMUGGLED}0\r\n\r\n`,
  `${post('Transfer-Encoding: chunked')}5\r\nhelloX\r\n0\r\n\r\n`,
  `${post('Transfer-Encoding: chunked')}5\r\nhello0\r\n\r\n`,
  `${post('Transfer-Encoding: chunked')}5 \r\nhello\r\n0\r\n\r\n`,
  `${post('Transfer-Encoding: chunked')}5;a \r\nhello\r\n0\r\n\r\n`,
  `${post('Transfer-Encoding: chunked')}5;a=b \r\nhello\r\n0\r\n\r\n`,
  `${post('Transfer-Encoding: chunked')}0x5\r\nhello\r\n0\r\n\r\n`,
  `${post('Transfer-Encoding: chunked')}10000000000000005\r\nhello\r\n0\r\n\r\n`,
  `${post('Transfer-Encoding: chunked')}-1\r\nhello\r\n0\r\n\r\n`,
  `${post('Transfer-Encoding: chunked')}5;a="\r\nhello\r\n0\r\n\r\n`,
  `${post('Transfer-Encoding: chunked')}0\r\nContent-Length: 5\r\nHost: other\r\nTransfer-Encoding: x\r\n\r\n`,
  `${post('Transfer-Encoding: chunked')}0\r\n\n`,
  `${post('Transfer-Encoding: chunked')}0\r\n\rX`,
  `${post('Transfer-Encoding: chunked')}0\r\n${SMUGGLED}`,
  `${post('Connection: transfer-encoding, content-length, host', 'Transfer-Encoding: chunked')}${HELLO_CHUNKS}`,
  `${post('Expect: 100-continue', 'Content-Length: 44')}${SMUGGLED}`,
  `${post('Expect:\x00100-continue', 'Content-Length: 5')}hello`,
  lines('GET / HTTP/1.1', 'Host: up', 'Host: other'),
  lines('GET / HTTP/1.1', 'Host: up, other'),
  lines('GET / HTTP/1.1', ' Host: other', 'Host: up'),
  lines('GET http://user@other/ HTTP/1.1', 'Host: up'),
  lines('GET http://other\\@up/ HTTP/1.1', 'Host: up'),
  lines('GET http://[::1%25lo]/ HTTP/1.1', 'Host: up'),
  lines('GET http:///a HTTP/1.1', 'Host: up'),
  lines('GET http://up:0/a HTTP/1.1', 'Host: up'),
  lines('GET /a HTTP/1.1 HTTP/1.1', 'Host: up'),
  lines('GET /a\tHTTP/1.1', 'Host: up'),
  'GET /a HTTP/1.1\nHost: up\n\n',
  'GET /a\r\n\r\n',
  '\r\nGET /a HTTP/1.1\r\nHost: up\r\n\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
];

/** Each is followed by another request: how many there are is what smuggling is about. */
export const REQUESTS: Corpus = {
  good: GOOD_REQUESTS.map(text => text + NEXT),
  smuggling: SMUGGLING_REQUESTS.map(text => text + NEXT),
};

const answer = (status: string, ...fields: string[]) => lines(`HTTP/1.1 ${status}`, ...fields);
const NEXT_ANSWER = `${answer('200 OK', 'Content-Length: 4')}next`;

const GOOD_RESPONSES = [
  `${answer('200 OK', 'Content-Length: 5', 'Content-Type: text/plain', 'Date: x')}hello`,
  `${answer('200 OK', 'content-length:0', 'Keep-Alive: timeout=5', 'Connection: keep-alive')}`,
  `${answer('200', 'Content-Length: 5', 'Connection: close')}hello`,
  `${answer('200 ', 'Content-Length: 5', 'Connection: x-a', 'X-A: b')}hello`,
  `${lines('HTTP/1.0 200 OK', 'Content-Length: 5')}hello`,
  `${lines('HTTP/1.0 200 OK', 'Content-Length: 5', 'Connection: Keep-Alive')}hello`,
  `${answer('404 Not\tFound \xe9', 'Transfer-Encoding: chunked', 'X-A: \xff')}${HELLO_CHUNKS}`,
  `${answer('200 OK', 'Transfer-Encoding: Chunked', 'Trailer: X-T')}1;a="b"\r\na\r\n0\r\nX-T: 1\r\nContent-Length: 9\r\n\r\n`,
  `${answer('204 No Content')}`,
  `${answer('304 Not Modified', 'Content-Length: 5', 'ETag: "a"')}`,
  `${answer('100 Continue')}${answer('103 Early Hints', 'Link: </a>')}${answer('200 OK', 'Content-Length: 5')}hello`,
  `${answer('101 Switching Protocols', 'Upgrade: websocket', 'Connection: upgrade')}bytes`,
  `${answer('426 Upgrade Required', 'Upgrade: x/1', 'Content-Length: 0')}`,
  `${answer('200 OK')}until the end`,
];

const SMUGGLING_RESPONSES = [
  `${answer('200 OK', 'Content-Length: 5', 'Transfer-Encoding: chunked')}${HELLO_CHUNKS}`,
  `${answer('200 OK', 'Content-Length: 5', 'Content-Length: 6')}hello!`,
  `${answer('200 OK', 'Content-Length: 5', 'Content-Length: 6', 'Host: a', 'Host: b')}hello!`,
  `${answer('200 OK', 'Content-Length: 5, 6')}hello!`,
  `${answer('200 OK', 'Transfer-Encoding: gzip')}hello`,
  `${answer('200 OK', 'Transfer-Encoding: gzip, chunked')}${HELLO_CHUNKS}`,
  `${answer('200 OK', 'Transfer-Encoding : chunked')}${HELLO_CHUNKS}`,
  `${answer('200 OK', 'Transfer-Encoding:\x0bchunked', 'Content-Length: 5')}hello`,
  `${answer('200 OK', 'X: y\nContent-Length: 5', 'Content-Length: 0')}hello`,
  `${answer('200 OK', 'X-A: a', ' b', 'Content-Length: 5')}hello`,
  `${answer('200 OK\rX: y', 'Content-Length: 5')}hello`,
  `${answer('200 OK', 'Transfer-Encoding: chunked')}5\nhello\r\n0\r\n\r\n`,
  `${answer('200 OK', 'Transfer-Encoding: chunked')}5\r\nhello0\r\n\r\n`,
  `${answer('200 OK', 'Transfer-Encoding: chunked')}0\r\n\r\n${answer('200 OK', 'Content-Length: 6')}poison`,
  `${lines('HTTP/1.0 200 OK', 'Transfer-Encoding: chunked')}${HELLO_CHUNKS}`,
  `${answer('204 No Content', 'Content-Length: 5')}hello`,
  `${answer('304 Not Modified', 'Transfer-Encoding: chunked')}${HELLO_CHUNKS}`,
  `${answer('100 Continue', 'Content-Length: 5')}hello${answer('200 OK', 'Content-Length: 0')}`,
  `${answer('999 x', 'Content-Length: 5')}hello`,
  'HTTP/1.1 200 OK\nContent-Length: 5\n\nhello',
  'hello',
];

/** Each is followed by another answer, as if the connection were used again. */
export const RESPONSES: Corpus = {
  good: GOOD_RESPONSES.map(text => text + NEXT_ANSWER),
  smuggling: SMUGGLING_RESPONSES.map(text => text + NEXT_ANSWER),
};
