import { describe, expect, it } from "vitest";
import { macFromBytes, parseMac } from "./mac.ts";

describe("parseMac", () => {
  it.each([
    ["00:1A:2b:3C:4d:5E"],
    ["00-1A-2B-3C-4D-5E"],
    ["001a.2b3c.4d5e"],
    ["001A2B3C4D5E"],
    [" 00:1a:2b:3c:4d:5e\n"],
  ])("gives lower case with colons when it reads %j", (text) => {
    expect(parseMac(text)).toEqual({ ok: true, value: "00:1a:2b:3c:4d:5e" });
  });

  it.each([
    ["", "is not a MAC address"],
    ["0:1a:2b:3c:4d:5e", "is not a MAC address"],
    ["00:1a:2b:3c:4d:5g", "is not a MAC address"],
    ["00:1a-2b:3c-4d:5e", "is not a MAC address"],
    ["00:1a:2b:3c:4d", "is not a MAC address"],
    ["00:1a:2b:ff:fe:3c:4d:5e", "is an EUI-64"],
    [`80:00:02:08:${"fe:80:".repeat(7)}00:01`, "is an InfiniBand address"],
    ["01:00:5e:00:00:01", "is a multicast or broadcast address"],
    ["ff:ff:ff:ff:ff:ff", "is a multicast or broadcast address"],
    ["00:00:00:00:00:00", "is all zero"],
  ])("says why when %j is no address of a port", (text, why) => {
    const parsed = parseMac(text);
    expect(parsed.ok ? "" : parsed.error.message).toContain(why);
  });
});

describe("macFromBytes", () => {
  it("reads six bytes and refuses other lengths", () => {
    expect(macFromBytes(Uint8Array.of(0x52, 0x54, 0, 0, 0, 0xa))).toEqual({
      ok: true,
      value: "52:54:00:00:00:0a",
    });
    expect(macFromBytes(new Uint8Array(5)).ok).toBe(false);
  });
});
