import { describe, expect, it } from "vitest";
import { leaseMs, makeLeases } from "./leases.ts";
import type { Leases } from "./leases.ts";
import { simulateNetwork, simulatedConfig } from "../simulated-network.ts";

const mac = (last: number): string => `52:54:00:00:00:${last.toString(16).padStart(2, "0")}`;

function setUp(reserved: Readonly<Record<string, string>> = {}): {
  leases: Leases;
  pass: (ms: number) => void;
} {
  const { clock, pass } = simulateNetwork();
  const isReserved = (address: string, asking: string): boolean =>
    (reserved[address] ?? asking) !== asking;
  return { leases: makeLeases({ clock, config: simulatedConfig, isReserved }), pass };
}

const pool = ["10.7.0.100", "10.7.0.101", "10.7.0.102", "10.7.0.103"];

describe("leases", () => {
  it("gives each MAC an address of the pool, keeps it, and has none when all are given", () => {
    const { leases } = setUp();
    const given = [1, 2, 3, 4].map((n) => leases.bind(mac(n), {}));
    expect(new Set(given)).toEqual(new Set(pool));
    expect(leases.bind(mac(5), {})).toBeUndefined();
    expect([1, 2, 3, 4].map((n) => leases.bind(mac(n), {}))).toEqual(given);
    expect(leases.macOf(given[2] ?? "")).toBe(mac(3));
    expect(leases.addressOf(mac(3))).toBe(given[2]);
  });

  it("chooses the same address again after a restart", () => {
    expect(setUp().leases.bind(mac(9), {})).toBe(setUp().leases.bind(mac(9), {}));
  });

  it("gives the address that is asked for when it is free and of the pool", () => {
    const { leases } = setUp();
    expect(leases.bind(mac(1), { wanted: "10.7.0.102" })).toBe("10.7.0.102");
    expect(leases.bind(mac(2), { wanted: "10.7.0.102" })).not.toBe("10.7.0.102");
    expect(pool).toContain(leases.bind(mac(3), { wanted: "10.7.0.50" }));
    expect(pool).toContain(leases.bind(mac(4), { wanted: "nonsense" }));
  });

  it("gives a fixed address outside of the pool, in the network only", () => {
    const { leases } = setUp();
    expect(leases.bind(mac(1), { fixed: "10.7.0.20", wanted: "10.7.0.100" })).toBe("10.7.0.20");
    for (const fixed of ["10.8.0.20", "10.7.0.1", "10.7.0.0", "10.7.0.255", "10.7.0.20"]) {
      expect(pool).toContain(leases.bind(mac(2), { fixed }));
    }
  });

  it("moves a MAC when it gets a fixed address later", () => {
    const { leases } = setUp();
    const before = leases.bind(mac(1), {}) ?? "";
    expect(leases.bind(mac(1), { fixed: "10.7.0.20" })).toBe("10.7.0.20");
    expect(leases.macOf(before)).toBeUndefined();
  });

  it("keeps reserved addresses of the pool for their MAC", () => {
    const { leases } = setUp({ "10.7.0.101": mac(9), "10.7.0.102": mac(9), "10.7.0.103": mac(9) });
    expect(leases.bind(mac(1), { wanted: "10.7.0.101" })).toBe("10.7.0.100");
    expect(leases.bind(mac(2), {})).toBeUndefined();
    expect(leases.bind(mac(9), { fixed: "10.7.0.101" })).toBe("10.7.0.101");
  });

  it("frees an address an hour after it was bound last", () => {
    const { leases, pass } = setUp();
    const address = leases.bind(mac(1), {}) ?? "";
    pass(leaseMs - 1);
    leases.bind(mac(1), {});
    pass(leaseMs - 1);
    expect(leases.macOf(address)).toBe(mac(1));
    pass(1);
    expect(leases.macOf(address)).toBeUndefined();
    expect(leases.bind(mac(2), { wanted: address })).toBe(address);
  });

  it("leaves a declined address alone for ten minutes", () => {
    const { leases, pass } = setUp();
    const address = leases.bind(mac(1), {}) ?? "";
    leases.decline(mac(2), address);
    expect(leases.addressOf(mac(1))).toBe(address);
    leases.decline(mac(1), address);
    expect(leases.bind(mac(1), { wanted: address })).not.toBe(address);
    pass(600_000);
    expect(leases.bind(mac(2), { wanted: address })).toBe(address);
  });
});
