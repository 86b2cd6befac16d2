import { describe, expect, it } from "vitest";
import { makeLoginBudget } from "./login-budget.ts";
import type { LoginBudgetOptions } from "./login-budget.ts";

const minuteMs = 60_000;

describe("login budget", () => {
  it("allows two failures within 30 minutes", () => {
    const budget = makeLoginBudget();
    budget.spend("1", 0);
    expect(budget.waitMs("1", 10 * minuteMs)).toBe(0);
    budget.spend("1", 10 * minuteMs);
    expect(budget.waitMs("1", 10 * minuteMs)).toBe(20 * minuteMs);
    expect(budget.waitMs("1", 30 * minuteMs - 1)).toBe(1);
    expect(budget.waitMs("1", 30 * minuteMs)).toBe(0);
    budget.spend("1", 30 * minuteMs);
    expect(budget.waitMs("1", 30 * minuteMs)).toBe(10 * minuteMs);
  });

  it("is another one for other credentials, and the old one is not forgotten", () => {
    const budget = makeLoginBudget();
    budget.spend("1", 0);
    budget.spend("1", 0);
    expect(budget.waitMs("2", 0)).toBe(0);
    budget.spend("2", 0);
    expect(budget.waitMs("1", 0)).toBe(30 * minuteMs);
  });

  it("lasts over a restart, whatever was done to the wall clock meanwhile", () => {
    let kept: Readonly<Record<string, readonly number[]>> = {};
    const memory = {
      read: () => kept,
      write: (failures: Readonly<Record<string, readonly number[]>>) => void (kept = failures),
    };
    const at = (nowMs: number, monotonicMs: number): LoginBudgetOptions => ({
      memory,
      clock: { nowMs: () => nowMs, monotonicMs: () => monotonicMs },
      isAlone: () => true,
    });
    const noon = 1_800_000_000_000;
    const before = makeLoginBudget(at(noon, 5_000));
    before.spend("1", 5_000);
    before.spend("1", 5_000);
    expect(makeLoginBudget(at(noon + 10 * minuteMs, 0)).waitMs("1", 0)).toBe(20 * minuteMs);
    expect(makeLoginBudget(at(noon - 60 * minuteMs, 0)).waitMs("1", 0)).toBe(30 * minuteMs);
    expect(makeLoginBudget(at(noon + 31 * minuteMs, 0)).waitMs("1", 0)).toBe(0);
    before.restore("1");
    expect(makeLoginBudget(at(noon, 0)).waitMs("1", 0)).toBe(0);
  });

  it("is halved while a copy of the agent may be at work", () => {
    let isAlone = false;
    const budget = makeLoginBudget({
      memory: { read: () => ({}), write: () => {} },
      clock: { nowMs: () => 0, monotonicMs: () => 0 },
      isAlone: () => isAlone,
    });
    expect(budget.waitMs("1", 0)).toBe(0);
    budget.spend("1", 0);
    expect(budget.waitMs("1", 0)).toBe(30 * minuteMs);
    isAlone = true;
    expect(budget.waitMs("1", 0)).toBe(0);
  });

  it("is whole again when a login has worked", () => {
    const budget = makeLoginBudget();
    budget.spend("1", 0);
    budget.restore("1");
    budget.spend("1", 1);
    expect(budget.waitMs("1", 1)).toBe(0);
  });
});
