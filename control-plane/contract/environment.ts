/** The variables of a process, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>;

type Filled =
  | { readonly ok: true; readonly text: string }
  /** `reference` is the part of the text that can't be filled in. */
  | { readonly ok: false; readonly reference: string; readonly message: string };

/** Whether there is anything for {@link fillFromEnvironment} to do. */
export function hasReference(text: string): boolean {
  return text.includes('${');
}

/**
 * Fills `${NAME}` and `${NAME:-default}` from the environment; the default also serves where the variable is empty, as
 * in a shell and in compose files. `$${` stands for `${` itself. What is filled in is not looked at again.
 */
export function fillFromEnvironment(text: string, environment: Environment): Filled {
  let filled = '';
  let rest = 0;
  for (const match of text.matchAll(REFERENCE)) {
    filled += text.slice(rest, match.index);
    rest = match.index + match[0].length;
    if (match[0] === '$${') {
      filled += '${';
      continue;
    }
    const { name, fallback } = match.groups ?? {};
    if (name === undefined) {
      return {
        ok: false,
        reference: match[0],
        message: `${match[0].match(/^\$\{\w*/)?.[0]}… is no reference to the environment: write \${NAME} or \${NAME:-default}, and $\${ for the characters themselves`,
      };
    }
    if (fallback?.includes('${')) {
      const message = `the default of \${${name}} can not hold another reference to the environment`;
      return { ok: false, reference: match[0], message };
    }
    const value = environment[name];
    if (fallback !== undefined) filled += value || fallback;
    else if (value !== undefined) filled += value;
    else {
      return {
        ok: false,
        reference: match[0],
        message: `the environment variable ${name} is not set; set it, or give a default: \${${name}:-…}`,
      };
    }
  }
  return { ok: true, text: filled + text.slice(rest) };
}

/** An escape, a reference, or the beginning of something that should have been one. */
const REFERENCE = /\$\$\{|\$\{(?<name>[A-Za-z_]\w*)(?::-(?<fallback>[^}]*))?\}|\$\{[^}]{0,64}\}?/g;
