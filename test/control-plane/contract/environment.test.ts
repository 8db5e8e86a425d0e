// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are references to the environment
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { fillFromEnvironment } from '../../../control-plane/contract/environment.ts';

const ENVIRONMENT = { PORT: '8080', EMPTY: '', TRICKY: '${PORT}' };

for (const [text, filled] of [
  ['plain $PORT {PORT}', 'plain $PORT {PORT}'],
  ['${PORT}', '8080'],
  ['http://a:${PORT}/${PORT}', 'http://a:8080/8080'],
  ['${MISSING:-9090}', '9090'],
  ['${MISSING:-}', ''],
  ['${MISSING:-a:-b}', 'a:-b'],
  ['${EMPTY:-fallback}', 'fallback'],
  ['${EMPTY}', ''],
  ['${PORT:-9090}', '8080'],
  ['$${PORT}', '${PORT}'],
  ['$$${PORT}', '$${PORT}'],
  ['${TRICKY}', '${PORT}'],
] as const) {
  test(`fills ${text}`, () =>
    assert.deepEqual(fillFromEnvironment(text, ENVIRONMENT), { ok: true, text: filled }));
}

test('names a variable that is not set', () => {
  const filled = fillFromEnvironment('a ${MISSING} b', ENVIRONMENT);
  assert.ok(!filled.ok);
  assert.equal(filled.reference, '${MISSING}');
  assert.match(filled.message, /variable MISSING is not set.*\$\{MISSING:-…\}/);
});

for (const text of ['${PORT', '${}', '${1PORT}', '${PORT-x}', '${PORT:x}', '${a b}']) {
  test(`refuses ${text}`, () => {
    const filled = fillFromEnvironment(text, ENVIRONMENT);
    assert.ok(!filled.ok);
    assert.match(filled.message, /no reference to the environment/);
  });
}

for (const text of ['${PORT:-${MISSING}}', '${MISSING:-${PORT:-1}}', 'a ${MISSING:-$${PORT} b']) {
  test(`refuses ${text}`, () => {
    const filled = fillFromEnvironment(text, ENVIRONMENT);
    assert.ok(!filled.ok);
    assert.match(filled.message, /^the default of \$\{(PORT|MISSING)\} can not hold another reference/);
  });
}

test('does not repeat what stands behind the name of a malformed reference', () => {
  const filled = fillFromEnvironment('${TOKEN:s3cret}', {});
  assert.ok(!filled.ok && !filled.message.includes('s3cret'));
});

test('leaves text alone that has no reference', () => {
  fc.assert(
    fc.property(fc.string(), text => {
      fc.pre(!text.includes('${'));
      assert.deepEqual(fillFromEnvironment(text, {}), { ok: true, text });
    }),
  );
});
