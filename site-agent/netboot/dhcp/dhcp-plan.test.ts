// Requests are captures of real clients; what is expected of the answers is written as bytes.

import { describe, expect, it } from "vitest";
import { capturedRequest } from "../../../shared/wire/dhcp/captures.table.ts";
import { decodeDhcp } from "../../../shared/wire/dhcp/dhcp-packet.ts";
import type { DhcpPacket } from "../../../shared/wire/dhcp/dhcp-packet.ts";
import { addressValue, textValue } from "../../../shared/wire/dhcp/dhcp-values.ts";
import { planDhcp } from "./dhcp-plan.ts";
import type { DhcpContext, DhcpPlan } from "./dhcp-plan.ts";
import type { DhcpAnswer } from "./dhcp-reply.ts";
import { makeLeases } from "./leases.ts";
import type { NetbootEntry } from "../port.ts";
import { simulateNetwork, simulatedConfig } from "../simulated-network.ts";

const macs = {
  biosIpxeDiscover: "52:54:00:12:34:56",
  uefiDiscover: "52:54:00:12:34:57",
  uefiIpxeDiscover: "52:54:00:12:34:57",
  uefiHttpDiscover: "52:54:00:12:34:58",
  udhcpcDiscover: "52:54:00:00:00:21",
} as const;
type Name = keyof typeof macs;

const fixedAddress = "10.7.0.20";

function request(name: Name, changes: Partial<DhcpPacket> = {}): DhcpPacket {
  const packet = decodeDhcp(capturedRequest(name));
  if (!packet.ok) throw new Error(packet.error.message);
  return { ...packet.value, ...changes };
}

/** A REQUEST of the same client, with these options set or, where undefined, taken away. */
function asRequest(
  name: Name,
  options: Record<number, Uint8Array | undefined>,
  changes: Partial<DhcpPacket> = {},
): DhcpPacket {
  const packet = request(name, changes);
  const all = new Map([...packet.options, [53, Uint8Array.of(3)] as const]);
  for (const [code, value] of Object.entries(options)) {
    if (value === undefined) all.delete(Number(code));
    else all.set(Number(code), value);
  }
  return { ...packet, options: all };
}

function contextFor(...entries: Partial<NetbootEntry>[]): DhcpContext & {
  entries: Map<string, NetbootEntry>;
} {
  const base = { hostUid: "h", operationId: "o", mac: "", kernelParameters: [] };
  const all = new Map(entries.map((entry) => [entry.mac ?? "", { ...base, ...entry }]));
  const config = simulatedConfig;
  const { clock } = simulateNetwork();
  const leases = makeLeases({ clock, config, isReserved: () => false });
  return { config, leases, entries: all, entryOf: (mac) => all.get(mac) };
}

const allowing = (name: Name): ReturnType<typeof contextFor> =>
  contextFor({ mac: macs[name], address: fixedAddress });

function answerOf(plan: DhcpPlan): DhcpAnswer {
  if (plan.kind !== "known" || plan.answer === undefined) {
    throw new Error(`no answer: ${JSON.stringify(plan)}`);
  }
  return plan.answer;
}

const optionsOf = ({ packet }: DhcpAnswer): Record<number, string> =>
  Object.fromEntries(
    [...packet.options].map(([code, data]) => [code, Buffer.from(data).toString("hex")]),
  );
const hex = (text: string): string => Buffer.from(text).toString("hex");

const plainOptions = {
  53: "02",
  54: "0a070001",
  51: "00000e10",
  58: "00000708",
  59: "00000c4e",
  1: "ffffff00",
};

describe("planDhcp for an allowed MAC", () => {
  it("offers iPXE by TFTP when OVMF asks", () => {
    const answer = answerOf(planDhcp(request("uefiDiscover"), allowing("uefiDiscover")));
    expect(answer.to).toEqual({ address: "255.255.255.255", port: 68 });
    expect(answer.packet).toMatchObject({
      op: "reply",
      xid: 0xfa7e0a55,
      broadcast: true,
      yiaddr: fixedAddress,
      siaddr: "10.7.0.1",
      file: "snponly.efi",
    });
    expect(optionsOf(answer)).toEqual({
      ...plainOptions,
      60: hex("PXEClient"),
      43: "060108ff",
      66: hex("10.7.0.1"),
      67: hex("snponly.efi\0"),
      97: "00443322116655887799aabbccddeeff00",
    });
  });

  it("offers the BIOS file when a BIOS that is not iPXE asks", () => {
    const ipxe = request("biosIpxeDiscover");
    const options = new Map([...ipxe.options].filter(([code]) => code !== 77 && code !== 175));
    const plan = planDhcp({ ...ipxe, options }, allowing("biosIpxeDiscover"));
    expect(answerOf(plan).packet.file).toBe("undionly.kpxe");
    expect(plan).toMatchObject({
      seen: [
        { kind: "dhcp-discover", detail: "PXE on x86 BIOS" },
        { kind: "dhcp-offer", detail: "10.7.0.20, load undionly.kpxe" },
      ],
    });
  });

  it("offers iPXE its script and no proxy wait, whatever firmware it runs on", () => {
    for (const name of ["biosIpxeDiscover", "uefiIpxeDiscover"] as const) {
      const answer = answerOf(planDhcp(request(name), allowing(name)));
      const url = `http://10.7.0.1:8080/boot/${macs[name].replaceAll(":", "-")}/script.ipxe`;
      expect(answer.packet).toMatchObject({ file: url, siaddr: "0.0.0.0" });
      expect(optionsOf(answer)).toEqual({
        ...plainOptions,
        61: `01${macs[name].replaceAll(":", "")}`,
        67: hex(url),
        97: "00443322116655887799aabbccddeeff00",
        175: "b00101",
      });
    }
  });

  it("offers iPXE by URL when UEFI boots by HTTP", () => {
    const answer = answerOf(planDhcp(request("uefiHttpDiscover"), allowing("uefiHttpDiscover")));
    expect(optionsOf(answer)).toMatchObject({
      60: hex("HTTPClient"),
      67: hex("http://10.7.0.1:8080/boot/52-54-00-12-34-58/bootloader.efi"),
    });
  });

  it("offers an address and nothing to boot when an ordinary client asks", () => {
    const plan = planDhcp(request("udhcpcDiscover"), allowing("udhcpcDiscover"));
    expect(optionsOf(answerOf(plan))).toEqual({ ...plainOptions, 61: "01525400000021" });
    expect(answerOf(plan).packet).toMatchObject({ file: "", siaddr: "0.0.0.0" });
    expect(plan).toMatchObject({
      seen: [
        { kind: "dhcp-discover", detail: "asks for an address only" },
        { kind: "dhcp-offer", detail: fixedAddress },
      ],
    });
  });

  it("says nothing but remembers it when there is no boot file for the processor", () => {
    const arm = request("uefiDiscover");
    const options = new Map([...arm.options, [93, Uint8Array.of(0, 11)] as const]);
    const plan = planDhcp({ ...arm, options }, allowing("uefiDiscover"));
    expect(plan).toMatchObject({
      kind: "known",
      seen: [
        { kind: "dhcp-discover", detail: "PXE on arm64 UEFI, for which there is no boot file" },
      ],
    });
    expect(plan).not.toHaveProperty("answer");
  });

  it("says why when the pool is empty", () => {
    const context = contextFor({ mac: macs.udhcpcDiscover });
    for (let i = 0; i < 4; i += 1) context.leases.bind(`52:54:00:99:00:0${i}`, {});
    const plan = planDhcp(request("udhcpcDiscover"), context);
    expect(plan).toMatchObject({
      seen: [{ detail: "asks for an address only, but no address of the pool is free" }],
    });
    expect(plan).not.toHaveProperty("answer");
  });

  it("answers a relay at its address with its option last and unchanged", () => {
    const circuit = Uint8Array.of(1, 2, 0xaa, 0xbb, 2, 1, 7);
    const relayed = request("uefiDiscover", { giaddr: "10.7.0.250", hops: 1 });
    const options = new Map([[82, circuit] as const, ...relayed.options]);
    const answer = answerOf(planDhcp({ ...relayed, options }, allowing("uefiDiscover")));
    expect(answer.to).toEqual({ address: "10.7.0.250", port: 67 });
    expect(answer.packet.giaddr).toBe("10.7.0.250");
    expect(answer.packet.options.get(82)).toEqual(circuit);
  });

  it("leaves out what the client has no room for", () => {
    const big = new Map([
      ...request("uefiDiscover").options,
      [57, Uint8Array.of(0, 100)] as const, // below the minimum of 576, so 576
      [82, new Uint8Array(220)] as const,
    ]);
    const answer = answerOf(
      planDhcp(request("uefiDiscover", { options: big }), allowing("uefiDiscover")),
    );
    expect(answer.packet.options.has(66)).toBe(false);
    expect(answer.packet.options.has(82)).toBe(true);
    expect(answer.packet.file).toBe("snponly.efi");
  });
});

describe("planDhcp for a REQUEST", () => {
  const name = "udhcpcDiscover";
  const ours = { 54: addressValue("10.7.0.1"), 50: addressValue(fixedAddress) };

  it("confirms the offer that the client chose", () => {
    const plan = planDhcp(asRequest(name, ours), allowing(name));
    expect(answerOf(plan).packet.yiaddr).toBe(fixedAddress);
    expect(optionsOf(answerOf(plan))).toMatchObject({ 53: "05", 51: "00000e10" });
    expect(plan).toMatchObject({ seen: [{ kind: "dhcp-ack", detail: fixedAddress }] });
  });

  it("stays silent when the client chose another server", () => {
    const plan = planDhcp(
      asRequest(name, { ...ours, 54: addressValue("10.7.0.9") }),
      allowing(name),
    );
    expect(plan).toMatchObject({ kind: "known", seen: [], because: "chose the server 10.7.0.9" });
    expect(plan).not.toHaveProperty("answer");
  });

  it("refuses an address that is not the client's, by broadcast", () => {
    const wrong = { 50: addressValue("10.7.0.55"), 54: undefined };
    const answer = answerOf(planDhcp(asRequest(name, wrong), allowing(name)));
    expect(answer.to).toEqual({ address: "255.255.255.255", port: 68 });
    expect(answer.packet).toMatchObject({ yiaddr: "0.0.0.0", ciaddr: "0.0.0.0", broadcast: true });
    expect(optionsOf(answer)).toEqual({
      53: "06",
      54: "0a070001",
      56: hex("10.7.0.55 is not your address here"),
      61: "01525400000021",
    });
  });

  it("gives a client that was here before a restart its address again", () => {
    const context = contextFor({ mac: macs[name] });
    const again = { 50: addressValue("10.7.0.102"), 54: undefined };
    expect(answerOf(planDhcp(asRequest(name, again), context)).packet.yiaddr).toBe("10.7.0.102");
  });

  it("renews by unicast", () => {
    const context = allowing(name);
    context.leases.bind(macs[name], { fixed: fixedAddress });
    const renewal = asRequest(name, { 50: undefined, 54: undefined }, { ciaddr: fixedAddress });
    const answer = answerOf(planDhcp(renewal, context));
    expect(answer.to).toEqual({ address: fixedAddress, port: 68 });
    expect(answer.packet).toMatchObject({ ciaddr: fixedAddress, yiaddr: fixedAddress });
  });

  it("goes on renewing for a ramdisk whose entry was withdrawn, and for nobody else", () => {
    const context = allowing(name);
    planDhcp(asRequest(name, ours), context);
    context.entries.clear();
    const renewal = asRequest(name, { 50: undefined, 54: undefined }, { ciaddr: fixedAddress });
    expect(answerOf(planDhcp(renewal, context)).packet.yiaddr).toBe(fixedAddress);
    expect(planDhcp({ ...renewal, ciaddr: "10.7.0.21" }, context).kind).toBe("silence");
    expect(planDhcp(request(name), context).kind).toBe("silence");
    expect(planDhcp(asRequest(name, { ...ours, 54: undefined }), context).kind).toBe("silence");
    const firmware = [60, textValue("PXEClient")] as const;
    const booting = { ...renewal, options: new Map([...renewal.options, firmware]) };
    expect(planDhcp(booting, context).kind).toBe("stranger");
  });

  it("renews for a ramdisk that had its address before a restart, unless another has it now", () => {
    const context = contextFor();
    const renewal = (ciaddr: string): DhcpPacket =>
      asRequest(name, { 50: undefined, 54: undefined }, { ciaddr });
    context.leases.bind("52:54:00:99:00:01", { wanted: "10.7.0.101" });
    expect(planDhcp(renewal("10.7.0.101"), context).kind).toBe("silence");
    expect(context.leases.addressOf(macs[name])).toBeUndefined();
    const answer = answerOf(planDhcp(renewal("10.7.0.102"), context));
    expect([answer.packet.yiaddr, answer.to.address]).toEqual(["10.7.0.102", "10.7.0.102"]);
  });

  it("takes an address out of use when the client found somebody on it", () => {
    const context = allowing(name);
    planDhcp(asRequest(name, ours), context);
    planDhcp(asRequest(name, { ...ours, 53: Uint8Array.of(4) }), context);
    const next = planDhcp(request(name), context);
    expect(answerOf(next).packet.yiaddr).not.toBe(fixedAddress);
    expect(next).toMatchObject({
      seen: [{}, { detail: expect.stringContaining(`${fixedAddress} is taken`) as string }],
    });
  });

  it("keeps the address and says nothing when the client releases it", () => {
    const context = allowing(name);
    planDhcp(asRequest(name, ours), context);
    const plan = planDhcp(asRequest(name, { ...ours, 53: Uint8Array.of(7) }), context);
    expect(plan).not.toHaveProperty("answer");
    expect(context.leases.addressOf(macs[name])).toBe(fixedAddress);
  });
});

describe("planDhcp for others", () => {
  it("notes a stranger that wants to boot and ignores one that does not", () => {
    expect(planDhcp(request("uefiDiscover"), contextFor())).toEqual({
      kind: "stranger",
      mac: macs.uefiDiscover,
      client: "PXE on x64 UEFI",
    });
    expect(planDhcp(request("udhcpcDiscover"), contextFor()).kind).toBe("silence");
  });

  it.each([
    ["replies", { op: "reply" }],
    ["other hardware", { htype: 32 }],
    ["no MAC", { chaddr: new Uint8Array(6) }],
    ["group addresses", { chaddr: Uint8Array.of(1, 0, 0x5e, 0, 0, 1) }],
    ["short addresses", { chaddr: Uint8Array.of(2, 0) }],
  ] as const)("is silent on %s", (_name, changes) => {
    const plan = planDhcp(request("uefiDiscover", changes), allowing("uefiDiscover"));
    expect(plan.kind).toBe("silence");
  });
});
