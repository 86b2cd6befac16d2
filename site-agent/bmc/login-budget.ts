// Keeps wrong credentials from locking an account of a BMC: at most two failed logins with the same
// credentials within 30 minutes. Other credentials start with a budget of their own.

/** Credentials are named by a string of the caller's that is the same for the same credentials. */
export interface LoginBudget {
  /** 0 when a login may be tried now, else milliseconds until one may. */
  waitMs(credentials: string, monotonicMs: number): number;
  spend(credentials: string, monotonicMs: number): void;
  /** These credentials worked. */
  restore(credentials: string): void;
}

export const loginBudgetLimit = { failures: 2, windowMs: 30 * 60_000 } as const;

export function makeLoginBudget(): LoginBudget {
  /** When logins failed, oldest first. Old entries go, so that rotation does not fill memory. */
  const failures = new Map<string, number[]>();

  function recent(credentials: string, nowMs: number): number[] {
    return (failures.get(credentials) ?? []).filter((at) => nowMs - at < loginBudgetLimit.windowMs);
  }

  return {
    waitMs(credentials, nowMs) {
      const times = recent(credentials, nowMs);
      const oldest = times.at(-loginBudgetLimit.failures);
      return oldest === undefined ? 0 : oldest + loginBudgetLimit.windowMs - nowMs;
    },
    spend(credentials, nowMs) {
      for (const known of failures.keys()) {
        if (recent(known, nowMs).length === 0) failures.delete(known);
      }
      failures.set(credentials, [...recent(credentials, nowMs), nowMs]);
    },
    restore(credentials) {
      failures.delete(credentials);
    },
  };
}
