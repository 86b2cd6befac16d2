// Golden requests are captures of real clients (captures.table.ts); golden replies are written out
// byte by byte from RFC 2131 and 2132.

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { capturedRequest } from "./captures.table.ts";
import { decodeDhcp, encodeDhcp } from "./dhcp-packet.ts";
import type { DhcpPacket } from "./dhcp-packet.ts";
import { dhcpOption } from "./dhcp.table.ts";

const hex = (bytes: Uint8Array | undefined): string => Buffer.from(bytes ?? []).toString("hex");
const bytes = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));

function decoded(packet: Uint8Array): DhcpPacket {
  const result = decodeDhcp(packet);
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

const reply: DhcpPacket = {
  op: "reply",
  htype: 1,
  hops: 1,
  xid: 0xdd2ea70f,
  secs: 0,
  broadcast: true,
  ciaddr: "0.0.0.0",
  yiaddr: "10.0.2.15",
  siaddr: "10.0.2.2",
  giaddr: "10.9.0.1",
  chaddr: bytes("525400123456"),
  sname: "",
  file: "undionly.kpxe",
  options: new Map([
    [dhcpOption.relayAgent, bytes("0104aabbccdd")],
    [dhcpOption.serverId, bytes("0a000202")],
    [dhcpOption.messageType, bytes("02")],
  ]),
};

/** A request with these bytes in its three places for options. */
function raw(options: string, file = "", sname = ""): Uint8Array {
  const packet = new Uint8Array(240 + options.length / 2);
  packet.set(bytes("010106"));
  packet.set(bytes(sname), 44);
  packet.set(bytes(file), 108);
  packet.set(bytes("63825363"), 236);
  packet.set(bytes(options), 240);
  return packet;
}

describe("decodeDhcp", () => {
  it("reads every field when OVMF asks for an offer", () => {
    const packet = decoded(capturedRequest("uefiRequest"));
    expect(packet).toMatchObject({
      op: "request",
      htype: 1,
      hops: 0,
      xid: 0xfa7e0a55,
      secs: 0,
      broadcast: true,
      ciaddr: "0.0.0.0",
      yiaddr: "0.0.0.0",
      siaddr: "0.0.0.0",
      giaddr: "0.0.0.0",
      sname: "",
      file: "",
    });
    expect(hex(packet.chaddr)).toBe("525400123457");
    expect([...packet.options.keys()]).toEqual([53, 54, 50, 57, 55, 97, 94, 93, 60]);
    expect(hex(packet.options.get(54))).toBe("0a000202");
    // The UUID that QEMU was given, 11223344-5566-7788-…: three fields little-endian.
    expect(hex(packet.options.get(97))).toBe("00443322116655887799aabbccddeeff00");
  });

  it("reads iPXE's unicast flag and seconds", () => {
    expect(decoded(capturedRequest("biosIpxeRequest"))).toMatchObject({
      broadcast: false,
      secs: 18,
    });
  });

  it("takes file and sname for options when the overload option says so", () => {
    // 52=3; file: 12="ab", end; sname: 12="cd", 15="x", end.
    const packet = decoded(raw("340103ff", "0c026162ff", "0c0263640f0178ff"));
    expect(hex(packet.options.get(12))).toBe("61626364");
    expect(hex(packet.options.get(15))).toBe("78");
    expect(packet).toMatchObject({ file: "", sname: "" });
    const fileOnly = decoded(raw("340101ff", "0c026162ff", "736e616d65"));
    expect(fileOnly).toMatchObject({ file: "", sname: "sname" });
  });

  it("does not follow an overload option inside an overloaded field", () => {
    // sname is not announced in the options, only from within file.
    const packet = decoded(raw("340101ff", "340102ff", "0c0163ff"));
    expect(packet.options.has(12)).toBe(false);
  });

  it("joins the parts of a long option in their order", () => {
    const part = (fill: string, length: number): string =>
      `af${length.toString(16).padStart(2, "0")}${fill.repeat(length)}`;
    const packet = decoded(raw(`${part("11", 255)}350101${part("22", 3)}ff`));
    expect(hex(packet.options.get(175))).toBe("11".repeat(255) + "22".repeat(3));
  });

  it("tolerates padding, an empty option and a missing end mark", () => {
    const packet = decoded(raw("0000350101005000"));
    expect(hex(packet.options.get(53))).toBe("01");
    expect(packet.options.get(80)).toEqual(new Uint8Array());
  });

  it.each([
    ["nothing", new Uint8Array(), "has 0 of at least 240 bytes"],
    ["a packet without options", capturedRequest("uefiDiscover").subarray(0, 239), "has 239"],
    ["an option without length", raw("35"), "ends inside option 53"],
    ["an option that is longer than the packet", raw("3505010203"), "ends inside option 53"],
    [
      "a broken option in file",
      raw("340101ff", `${"00".repeat(126)}0c05`),
      "ends inside option 12",
    ],
    ["BOOTP", raw("").fill(0, 236, 240), "has no DHCP cookie"],
    ["another op", raw("ff").fill(3, 0, 1), "has op 3"],
    ["an address length over 16", raw("ff").fill(17, 2, 3), "has hlen 17"],
  ])("says what is wrong when it gets %s", (_name, packet, why) => {
    const result = decodeDhcp(packet);
    expect(result.ok ? "" : result.error.message).toContain(why);
  });

  it("never throws, whatever the bytes", () => {
    const tail = fc.uint8Array({ maxLength: 400 });
    fc.assert(
      fc.property(tail, fc.uint8Array({ minLength: 192, maxLength: 192 }), (options, fields) => {
        decodeDhcp(options);
        const packet = raw("00".repeat(options.length));
        packet.set(fields, 44);
        packet.set(options, 240);
        decodeDhcp(packet);
      }),
    );
  });
});

describe("encodeDhcp", () => {
  it("puts the type first, the relay's option last and pads to 300 bytes", () => {
    const packet = encodeDhcp(reply);
    const header = [
      "02010601dd2ea70f00008000", // op, htype, hlen, hops, xid, secs, flags
      "000000000a00020f0a0002020a090001", // ciaddr, yiaddr, siaddr, giaddr
      "52540012345600000000000000000000", // chaddr
    ].join("");
    expect(hex(packet.subarray(0, 44))).toBe(header);
    const file = hex(new TextEncoder().encode("undionly.kpxe"));
    expect(hex(packet.subarray(44, 236))).toBe("00".repeat(64) + file.padEnd(256, "0"));
    const options = "63825363 350102 36040a000202 52060104aabbccdd ff".replaceAll(" ", "");
    expect(hex(packet.subarray(236))).toBe(options.padEnd(128, "0"));
    expect(packet.length).toBe(300);
  });

  it("splits an option of more than 255 bytes", () => {
    const long = new Uint8Array(300).fill(7);
    const packet = encodeDhcp({ ...reply, options: new Map([[43, long]]) });
    expect(hex(packet.subarray(240))).toBe(`2bff${"07".repeat(255)}2b2d${"07".repeat(45)}ff`);
  });

  it("throws when a text does not fit its field", () => {
    expect(() => encodeDhcp({ ...reply, file: "x".repeat(128) })).toThrow(/does not fit/);
    expect(() => encodeDhcp({ ...reply, sname: "a\0b" })).toThrow(/does not fit/);
    expect(() => encodeDhcp({ ...reply, yiaddr: "10.0.0" })).toThrow(/not an IPv4 address/);
  });

  it("writes what it reads when the packet is a capture", () => {
    for (const name of ["biosIpxeRequest", "uefiHttpDiscover", "udhcpcDiscover"] as const) {
      const packet = decoded(capturedRequest(name));
      expect(decoded(encodeDhcp(packet))).toEqual(packet);
    }
  });

  it("gives back any packet", () => {
    const address = fc.ipV4();
    const text = (maxLength: number): fc.Arbitrary<string> =>
      fc.string({ unit: fc.constantFrom("a", "b", "/", ".", ":"), maxLength });
    const packets = fc.record({
      op: fc.constantFrom("request" as const, "reply" as const),
      htype: fc.nat(255),
      hops: fc.nat(255),
      xid: fc.nat(0xffffffff),
      secs: fc.nat(65535),
      broadcast: fc.boolean(),
      ciaddr: address,
      yiaddr: address,
      siaddr: address,
      giaddr: address,
      chaddr: fc.uint8Array({ maxLength: 16 }),
      sname: text(63),
      file: text(127),
      options: fc
        .array(
          fc.tuple(
            fc.integer({ min: 1, max: 254 }).filter((code) => code !== dhcpOption.overload),
            fc.uint8Array({ maxLength: 600 }),
          ),
          { maxLength: 5 },
        )
        .map((entries) => new Map(entries)),
    });
    fc.assert(
      fc.property(packets, (packet) => {
        expect(decoded(encodeDhcp(packet))).toEqual(packet);
      }),
    );
  });
});
