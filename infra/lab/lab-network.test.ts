import { expect, test } from "vitest";
import { pairAddresses } from "./lab-network.ts";
import { procNetAddress } from "./start-bmc.ts";

test("pairAddresses never meets the metadata address of clouds and never repeats a network", () => {
  const all = Array.from({ length: 8192 }, (_, number) => pairAddresses(number));
  const networks = new Set(all.map(({ hubAddress }) => hubAddress));
  expect(networks.size).toBe(8192);
  expect(all.filter(({ hubAddress }) => hubAddress.startsWith("169.254.169."))).toEqual([]);
  expect(all[0]).toEqual({ hubAddress: "169.254.32.1", labAddress: "169.254.32.2" });
  expect(all[8191]).toEqual({ hubAddress: "169.254.159.253", labAddress: "169.254.159.254" });
});

test("procNetAddress spells an address as the kernel does in /proc/net/udp", () => {
  expect(procNetAddress("192.168.101.11", 623)).toBe("0B65A8C0:026F");
});
