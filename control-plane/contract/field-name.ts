import type { TextForm } from './setting.ts';

/**
 * The name of a header field in a setting: a token (RFC 9110 section 5.1).
 * @param example one that messages name
 * @param length how many characters it may have
 */
export function fieldName(example: string, length = 128): TextForm {
  return {
    expected: `the name of a header field, such as ${example}`,
    form: 'name of a header field',
    pattern: `^[A-Za-z0-9!#$%&'*+.^_\`|~-]{1,${length}}$`,
  };
}
