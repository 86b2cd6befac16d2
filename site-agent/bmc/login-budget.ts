// Keeps wrong credentials from locking an account of a BMC: at most two failed logins with the same
// credentials within 30 minutes, over restarts of the agent too. Other credentials start with a budget of their own.
import { fromWall, toWall, type Clocks } from "../wall-times.ts";

/** Credentials are named by a string of the caller's that is the same for the same credentials. */
export interface LoginBudget {
  /** 0 when a login may be tried now, else milliseconds until one may. */
  waitMs(credentials: string, monotonicMs: number): number;
  spend(credentials: string, monotonicMs: number): void;
  /** These credentials worked. */
  restore(credentials: string): void;
}

/** Keeps failed logins of one BMC over a restart of the agent: by credentials, epoch milliseconds. */
export interface LoginMemory {
  read(): Readonly<Record<string, readonly number[]>>;
  write(failures: Readonly<Record<string, readonly number[]>>): void;
}

export const loginBudgetLimit = { failures: 2, windowMs: 30 * 60_000 } as const;

export interface LoginBudgetOptions {
  readonly memory: LoginMemory;
  readonly clock: Clocks;
  /** Not alone is one beside whom a copy may be at work: each of both has half of the budget. */
  readonly isAlone: () => boolean;
}

/** Without options it forgets when the agent ends. */
export function makeLoginBudget(options?: LoginBudgetOptions): LoginBudget {
  /** When logins failed, oldest first. Old entries go, so that rotation does not fill memory. */
  const failures = options === undefined ? new Map<string, number[]>() : recall(options);

  function recent(credentials: string, nowMs: number): number[] {
    return (failures.get(credentials) ?? []).filter((at) => nowMs - at < loginBudgetLimit.windowMs);
  }

  return {
    waitMs(credentials, nowMs) {
      const times = recent(credentials, nowMs);
      const isHalved = options?.isAlone() === false;
      const oldest = times.at(
        isHalved ? -loginBudgetLimit.failures / 2 : -loginBudgetLimit.failures,
      );
      return oldest === undefined ? 0 : oldest + loginBudgetLimit.windowMs - nowMs;
    },
    spend(credentials, nowMs) {
      for (const known of failures.keys()) {
        if (recent(known, nowMs).length === 0) failures.delete(known);
      }
      failures.set(credentials, [...recent(credentials, nowMs), nowMs]);
      if (options !== undefined) keep(options, failures);
    },
    restore(credentials) {
      if (failures.delete(credentials) && options !== undefined) keep(options, failures);
    },
  };
}

function recall({ memory, clock }: LoginBudgetOptions): Map<string, number[]> {
  const times = (at: number): number => fromWall(clock, at, loginBudgetLimit.windowMs);
  return new Map(Object.entries(memory.read()).map(([key, at]) => [key, at.map(times)]));
}

function keep(
  { memory, clock }: LoginBudgetOptions,
  failures: ReadonlyMap<string, number[]>,
): void {
  const wall = (at: number): number => toWall(clock, at);
  memory.write(Object.fromEntries([...failures].map(([key, at]) => [key, at.map(wall)])));
}
