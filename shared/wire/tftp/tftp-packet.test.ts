// Golden packets are what OVMF 2022.11 and iPXE sent in captures, and RFC 1350's and 2347's figures.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeTftp, encodeTftp } from "./tftp-packet.ts";
import type { TftpPacket } from "./tftp-packet.ts";

const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "latin1"));

describe("decodeTftp", () => {
  it("reads OVMF's request with a window size", () => {
    const packet = ascii(
      "\0\x01snponly.efi\0octet\0tsize\x000\0blksize\x001468\0windowsize\x004\0",
    );
    expect(decodeTftp(packet)).toEqual({
      ok: true,
      value: {
        kind: "read",
        file: "snponly.efi",
        mode: "octet",
        options: new Map([
          ["tsize", "0"],
          ["blksize", "1468"],
          ["windowsize", "4"],
        ]),
      },
    });
  });

  it("reads OVMF's abort, an ACK and a DATA packet", () => {
    expect(decodeTftp(ascii("\0\x05\0\x08User aborted the transfer\0"))).toEqual({
      ok: true,
      value: { kind: "error", code: 8, message: "User aborted the transfer" },
    });
    expect(decodeTftp(Uint8Array.of(0, 4, 0xff, 0xfe))).toEqual({
      ok: true,
      value: { kind: "ack", block: 65534 },
    });
    expect(decodeTftp(Uint8Array.of(0, 3, 0, 1, 9, 8))).toEqual({
      ok: true,
      value: { kind: "data", block: 1, data: Uint8Array.of(9, 8) },
    });
  });

  it("ignores the case of mode and option names and a broken tail of options", () => {
    expect(decodeTftp(ascii("\0\x01f\0OCTET\0BLKSIZE\x00512\0"))).toMatchObject({
      value: { mode: "octet", options: new Map([["blksize", "512"]]) },
    });
    expect(decodeTftp(ascii("\0\x01f\0octet\0blksize\0"))).toMatchObject({
      value: { file: "f", options: new Map() },
    });
  });

  it.each([
    ["too few bytes", ascii("\0\x04\0"), "has 3 of at least 4 bytes"],
    ["an unknown opcode", ascii("\0\x07\0\0"), "has opcode 7"],
    ["a request without mode", ascii("\0\x01file\0"), "names no file and mode"],
    ["an OACK with half an option", ascii("\0\x06blksize\0"), "has an option without value"],
  ])("says what is wrong when it gets %s", (_name, packet, why) => {
    const result = decodeTftp(packet);
    expect(result.ok ? "" : result.error.message).toContain(why);
  });

  it("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 100 }), fc.nat(7), (body, opcode) => {
        decodeTftp(body);
        decodeTftp(Uint8Array.of(0, opcode, ...body));
      }),
    );
  });
});

describe("encodeTftp", () => {
  it.each<[TftpPacket, string]>([
    [{ kind: "data", block: 258, data: Uint8Array.of(65) }, "\0\x03\x01\x02A"],
    [{ kind: "ack", block: 65535 }, "\0\x04\xff\xff"],
    [{ kind: "error", code: 1, message: "no such file" }, "\0\x05\0\x01no such file\0"],
    [{ kind: "oack", options: new Map([["tsize", "27"]]) }, "\0\x06tsize\x0027\0"],
    [{ kind: "read", file: "f", mode: "octet", options: new Map() }, "\0\x01f\0octet\0"],
  ])("writes %j as the RFC draws it", (packet, bytes) => {
    expect(Buffer.from(encodeTftp(packet)).toString("latin1")).toBe(bytes);
    expect(decodeTftp(encodeTftp(packet))).toEqual({ ok: true, value: packet });
  });
});
