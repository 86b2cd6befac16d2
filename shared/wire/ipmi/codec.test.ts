// Bytes from the tables of the IPMI 2.0 specification, and what must not be read as anything.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeDeviceId, encodeDeviceId, formatGuid } from "./application-commands.ts";
import { bootSelector, decodeBootFlags, encodeBootFlags } from "./chassis-commands.ts";
import { cipherSuiteRecord, cipherSuites } from "./cipher-suites.table.ts";
import { decodeRequest, decodeResponse, encodeRequest } from "./message.ts";
import { decodeOpenSessionRequest, decodeOpenSessionResponse } from "./open-session.ts";
import { padToBlocks } from "./protected-packet.ts";
import { decodeRakp1, decodeRakp2, decodeRakp3, decodeRakp4 } from "./rakp.ts";
import { makeReceiveWindow } from "./receive-window.ts";
import { decodePresencePing, decodeRmcp, encodePresencePong, encodeRmcp } from "./rmcp.ts";
import { decodeSessionPacket } from "./session-packet.ts";

describe("an IPMI message", () => {
  it("has the checksums of section 13.8 when it asks for the chassis status", () => {
    const request = { netFn: 0, command: 1, sequence: 2, data: new Uint8Array() };
    // 20h + 00h + E0h and 81h + 08h + 01h + 76h are both 0 modulo 256.
    expect([...encodeRequest(request)]).toEqual([0x20, 0x00, 0xe0, 0x81, 0x08, 0x01, 0x76]);
  });

  it("is refused when a checksum is wrong", () => {
    const message = encodeRequest({ netFn: 0, command: 1, sequence: 2, data: Uint8Array.of(1, 2) });
    for (const index of message.keys()) {
      const changed = message.slice();
      changed[index] = (changed[index] ?? 0) ^ 0x10;
      expect(decodeRequest(changed)).toBeUndefined();
    }
  });
});

describe("RMCP", () => {
  it("answers a presence ping with its tag and the IPMI bit", () => {
    const ping = Uint8Array.of(0x06, 0x00, 0xff, 0x06, 0, 0, 0x11, 0xbe, 0x80, 0x2a, 0, 0);
    const tag = decodePresencePing(decodeRmcp(ping)!.body);
    expect(tag).toBe(0x2a);
    const pong = encodeRmcp("asf", encodePresencePong(tag!));
    expect(Buffer.from(pong).toString("hex")).toBe(
      "0600ff06000011be402a0010" + "000011be00000000" + "8100000000000000",
    );
  });
});

describe("boot flags", () => {
  it("have the bytes of table 28-14", () => {
    const flags = (persistent: boolean, uefi: boolean, selector: number): number[] => [
      ...encodeBootFlags({ valid: true, persistent, uefi, selector }),
    ];
    expect(flags(false, true, bootSelector.pxe)).toEqual([0xa0, 0x04, 0, 0, 0]);
    expect(flags(true, true, bootSelector.disk)).toEqual([0xe0, 0x08, 0, 0, 0]);
    expect(flags(true, true, bootSelector.remoteDisk)).toEqual([0xe0, 0x24, 0, 0, 0]);
    expect(flags(false, false, bootSelector.none)).toEqual([0x80, 0x00, 0, 0, 0]);
  });

  it("read back as written", () => {
    const flags = { valid: true, persistent: false, uefi: true, selector: 0x0f };
    expect(decodeBootFlags(encodeBootFlags(flags))).toEqual(flags);
  });
});

describe("device id", () => {
  it("reads BCD firmware, 20-bit manufacturer and product when another wrote it", () => {
    // Debian's ipmi_sim with "mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02".
    const data = Uint8Array.of(0x00, 0x03, 0x09, 0x08, 0x02, 0x9f, 0x91, 0x12, 0x00, 0x02, 0x0f);
    expect(decodeDeviceId(data)).toEqual({
      deviceId: 0,
      firmwareMajor: 9,
      firmwareMinor: 8,
      manufacturerId: 4753,
      productId: 3842,
    });
  });

  it("reads back as written", () => {
    const device = {
      deviceId: 32,
      firmwareMajor: 3,
      firmwareMinor: 74,
      manufacturerId: 0xf_ff_fe,
      productId: 0xabcd,
    };
    expect(decodeDeviceId(encodeDeviceId(device))).toEqual(device);
  });
});

describe("cipher suite records", () => {
  it("have the bytes of table 22-18", () => {
    expect([...cipherSuiteRecord(cipherSuites[3])]).toEqual([0xc0, 3, 0x01, 0x41, 0x81]);
    expect([...cipherSuiteRecord(cipherSuites[17])]).toEqual([0xc0, 17, 0x03, 0x44, 0x81]);
  });
});

describe("encryption padding", () => {
  it("fills up to whole blocks with 1, 2, 3 … and their count", () => {
    for (let length = 0; length <= 48; length += 1) {
      const padded = padToBlocks(new Uint8Array(length).fill(0xee));
      expect(padded.length % 16).toBe(0);
      expect(padded.length - length).toBeLessThanOrEqual(16);
      const count = padded.at(-1)!;
      expect([...padded.subarray(length, -1)]).toEqual(
        Array.from({ length: count }, (_, index) => index + 1),
      );
    }
  });
});

describe("GUID", () => {
  it("keeps the order of the bytes", () => {
    const bytes = Uint8Array.from({ length: 16 }, (_, index) => index);
    expect(formatGuid(bytes)).toBe("00010203-0405-0607-0809-0a0b0c0d0e0f");
    expect(formatGuid(bytes.subarray(1))).toBeUndefined();
  });
});

describe("receive window", () => {
  it("lets each number through once, in any order, when it is at most 31 behind", () => {
    const window = makeReceiveWindow();
    const accepted = [1, 3, 2, 3, 2, 0, 50, 19, 18, 20, 50].filter((n) => window.accept(n));
    expect(accepted).toEqual([1, 3, 2, 50, 19, 20]);
  });
});

describe("decoders", () => {
  it("never throw, whatever comes from the network", () => {
    const decoders = [
      decodeRmcp,
      decodeSessionPacket,
      decodeRequest,
      decodeResponse,
      decodeOpenSessionRequest,
      decodeOpenSessionResponse,
      decodeRakp1,
      decodeRakp2,
      decodeRakp3,
      decodeRakp4,
    ];
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
        for (const decode of decoders) decode(bytes);
      }),
    );
  });

  it("refuse setup messages that are cut short", () => {
    expect(decodeOpenSessionRequest(new Uint8Array(31))).toBeUndefined();
    expect(decodeOpenSessionResponse(new Uint8Array(35))).toBeUndefined();
    expect(decodeRakp1(new Uint8Array(27))).toBeUndefined();
    expect(decodeRakp1(Uint8Array.of(...new Uint8Array(27), 5, 1, 2, 3, 4))).toBeUndefined();
    expect(decodeRakp2(new Uint8Array(40))).toBeUndefined();
    expect(decodeRakp3(new Uint8Array(7))).toBeUndefined();
    expect(decodeRakp4(new Uint8Array(7))).toBeUndefined();
  });

  it("read a refusal of any length", () => {
    expect(decodeOpenSessionResponse(Uint8Array.of(9, 0x11))).toMatchObject({ status: 0x11 });
    expect(decodeRakp2(Uint8Array.of(9, 0x0d, 0, 0, 1, 2, 3, 4))).toEqual({
      tag: 9,
      status: 0x0d,
      consoleSessionId: 0x04030201,
    });
    expect(decodeRakp4(Uint8Array.of(9, 0x0f))).toMatchObject({ status: 0x0f });
  });
});
