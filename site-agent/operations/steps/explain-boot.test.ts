// The words for a boot that did not arrive: where it stopped, and what to do about it there.
import { expect, test } from "vitest";
import type { BootSightingKind } from "../../netboot/port.ts";
import { explainBoot, type BootEvidence } from "./explain-boot.ts";

const mac = "52:54:00:fa:00:01";
const sinceMs = Date.parse("2026-11-01T12:01:00Z");

function explain(seen: readonly BootSightingKind[], over: Partial<BootEvidence> = {}): string {
  return explainBoot({
    mac,
    sinceMs,
    isReset: false,
    deviceProblem: undefined,
    waitedMs: 600_000,
    sightings: seen.map((kind, at) => ({ kind, mac, atMs: sinceMs + at * 1_000, detail: "" })),
    strangers: [],
    ...over,
  });
}

test.each([
  [[], "power on ✓ 12:01:00, DHCP request from its MAC ✗. ", "spec.bootMACAddress"],
  [["dhcp-discover", "dhcp-offer"], "DHCP address taken ✗. ", "another DHCP server"],
  [["dhcp-discover", "dhcp-ack"], "boot script fetched ✗. ", "boot mode"],
  [["dhcp-discover", "dhcp-ack", "bootloader"], "boot script fetched ✗. ", "boot mode"],
  [["dhcp-discover", "dhcp-ack", "script"], "kernel fetched ✗. ", "network link"],
  [
    ["dhcp-discover", "dhcp-ack", "bootloader", "script", "kernel"],
    "ramdisk fetched ✗. ",
    "network link",
  ],
  [
    ["dhcp-discover", "dhcp-ack", "script", "kernel", "initrd"],
    "ramdisk fetched ✓ 12:01:04. ",
    "512 MiB",
  ],
] as const)(
  "a boot that was seen up to %j is told to have stopped there",
  (seen, stopped, advice) => {
    const text = explain(seen);
    expect(text).toContain(stopped);
    expect(text.slice(text.indexOf(stopped) + stopped.length)).toContain(advice);
  },
);

test("a boot that began by a reset says so", () => {
  expect(explain([], { isReset: true })).toContain("reset ✓ 12:01:00");
});

test("many strangers are told by the first few", () => {
  const strangers = Array.from({ length: 50 }, (_, at) => `52:54:00:00:00:${at}`);
  const text = explain([], { strangers });
  expect(text).toContain("52:54:00:00:00:7 and 42 more");
  expect(text).not.toContain("52:54:00:00:00:8");
});
