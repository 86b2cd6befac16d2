import { describe, expect, it } from "vitest";
import { makeLoginBudget } from "./login-budget.ts";

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

  it("is whole again when a login has worked", () => {
    const budget = makeLoginBudget();
    budget.spend("1", 0);
    budget.restore("1");
    budget.spend("1", 1);
    expect(budget.waitMs("1", 1)).toBe(0);
  });
});
