/** What a check has found, for people. */
export interface Finding {
  readonly result: 'ok' | 'failed' | 'skipped';
  /** What is so, what is wrong, or why it was not looked at. */
  readonly detail: string;
  /** What to do about it; null where nothing is wrong. */
  readonly fix: string | null;
}

export function ok(detail: string): Finding {
  return { result: 'ok', detail, fix: null };
}

export function failed(cause: string, fix: string): Finding {
  return { result: 'failed', detail: cause, fix };
}

export function skipped(why: string): Finding {
  return { result: 'skipped', detail: why, fix: null };
}

/** Something to look at once. */
export interface Check {
  /** Words with dashes: `control-plane`. */
  readonly name: string;
  look(): Finding | Promise<Finding>;
}

export type NamedFinding = Finding & { readonly name: string };

/**
 * Looks at everything at once; none waits for another, and none can hold them up.
 * @param timeoutMs how long one may take
 * @returns in the order of the checks
 */
export async function runChecks(checks: readonly Check[], timeoutMs: number): Promise<NamedFinding[]> {
  return await Promise.all(
    checks.map(async check => ({ name: check.name, ...(await lookWithin(check, timeoutMs)) })),
  );
}

async function lookWithin(check: Check, timeoutMs: number): Promise<Finding> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding>(resolve => {
    const cause = `it could not be found out within ${timeoutMs} ms`;
    timer = setTimeout(
      resolve,
      timeoutMs,
      failed(cause, 'Look whether this machine is overloaded, or a name server or disk does not answer.'),
    );
  });
  try {
    return await Promise.race([(async () => await check.look())(), late]);
  } catch (error) {
    return failed(`a bug in this check: ${error}`, 'Report it; what it looks at may be fine.');
  } finally {
    clearTimeout(timer);
  }
}
