import { describe, expect, it } from "vitest";
import { formatIpv4, maskOfPrefix, parseIpv4, sameNetwork } from "./ipv4.ts";

describe("ipv4", () => {
  it("reads and writes dotted addresses up to the highest", () => {
    for (const text of ["0.0.0.0", "10.0.0.1", "192.168.255.254", "255.255.255.255"]) {
      expect(formatIpv4(parseIpv4(text) ?? -1)).toBe(text);
    }
    expect(parseIpv4("255.255.255.255")).toBe(0xffffffff);
  });

  it.each([
    "",
    "10.0.0",
    "10.0.0.256",
    "010.0.0.1",
    "10.0.0.1.2",
    "a.b.c.d",
    "10.0.0.-1",
    " 10.0.0.1",
  ])("refuses %j", (text) => {
    expect(parseIpv4(text)).toBeUndefined();
  });

  it("compares networks by prefix", () => {
    const address = (text: string): number => parseIpv4(text) ?? Number.NaN;
    expect(formatIpv4(maskOfPrefix(20))).toBe("255.255.240.0");
    expect(formatIpv4(maskOfPrefix(0))).toBe("0.0.0.0");
    expect(sameNetwork(address("192.168.1.1"), address("192.168.1.254"), 24)).toBe(true);
    expect(sameNetwork(address("192.168.1.1"), address("192.168.2.1"), 24)).toBe(false);
    expect(sameNetwork(address("1.1.1.1"), address("200.2.2.2"), 0)).toBe(true);
  });
});
