// Keeps wrong credentials from locking an account of a BMC: at most two failed logins per version of
// the credentials within 30 minutes. Another version starts with a budget of its own.

export interface LoginBudget {
  /** 0 when a login may be tried now, else milliseconds until one may. */
  waitMs(version: string, monotonicMs: number): number;
  spend(version: string, monotonicMs: number): void;
  /** These credentials worked. */
  restore(version: string): void;
}

export const loginBudgetLimit = { failures: 2, windowMs: 30 * 60_000 } as const;

export function makeLoginBudget(): LoginBudget {
  /** When logins failed, oldest first. Old entries go, so that rotation does not fill memory. */
  const failures = new Map<string, number[]>();

  function recent(version: string, nowMs: number): number[] {
    return (failures.get(version) ?? []).filter((at) => nowMs - at < loginBudgetLimit.windowMs);
  }

  return {
    waitMs(version, nowMs) {
      const times = recent(version, nowMs);
      const oldest = times.at(-loginBudgetLimit.failures);
      return oldest === undefined ? 0 : oldest + loginBudgetLimit.windowMs - nowMs;
    },
    spend(version, nowMs) {
      for (const known of failures.keys()) {
        if (recent(known, nowMs).length === 0) failures.delete(known);
      }
      failures.set(version, [...recent(version, nowMs), nowMs]);
    },
    restore(version) {
      failures.delete(version);
    },
  };
}
