import type { KeyForm, TextForm } from './setting.ts';

/**
 * The name of a service or upstream: what applications write as a host, so DNS labels in lower case (RFC 1123 section
 * 2.1), joined by dots. It can't end in a number, which would make it an IP address, nor in `.mesh`, which is what
 * callers may append to any name.
 */
const SERVICE_NAME_PATTERN =
  '^(?=.{1,253}$)(?!.*\\.mesh$)(?!(.*\\.)?[0-9]+$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$';
const SERVICE_NAME = new RegExp(SERVICE_NAME_PATTERN);

export function isServiceName(text: string): boolean {
  return SERVICE_NAME.test(text);
}

export const SERVICE_NAME_FORM: TextForm = {
  expected: 'a name of lower case letters, digits, dashes and dots, such as inventory',
  form: 'name',
  pattern: SERVICE_NAME_PATTERN,
  guess: guessServiceName,
};

export const SERVICE_NAME_KEY: KeyForm = {
  expected: SERVICE_NAME_FORM.expected,
  pattern: SERVICE_NAME_PATTERN,
  placeholder: 'NAME',
  guess: guessServiceName,
};

function guessServiceName(text: string): string | null {
  const guess = text
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()
    .replace(/[\s_]+/g, '-')
    .replace(/\.mesh$/, '');
  return guess !== text && isServiceName(guess) ? guess : null;
}
