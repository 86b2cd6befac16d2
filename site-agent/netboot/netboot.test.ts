// The whole boot network over a simulated wire: one machine's way from DISCOVER to initrd, and what
// others get.

import { describe, expect, it } from "vitest";
import { capturedRequest } from "../../shared/wire/dhcp/captures.table.ts";
import { decodeDhcp, encodeDhcp } from "../../shared/wire/dhcp/dhcp-packet.ts";
import { addressValue } from "../../shared/wire/dhcp/dhcp-values.ts";
import { decodeTftp, encodeTftp } from "../../shared/wire/tftp/tftp-packet.ts";
import type { TftpPacket } from "../../shared/wire/tftp/tftp-packet.ts";
import type { ServerResponse, UdpAddress } from "../ports.ts";
import { makeNetboot } from "./netboot.ts";
import type { RunningNetboot } from "./netboot.ts";
import { simulateNetwork, simulatedConfig } from "./simulated-network.ts";
import type { SimulatedNetwork } from "./simulated-network.ts";

const mac = "52:54:00:12:34:57";
const path = "/boot/52-54-00-12-34-57";
const address = "10.7.0.20";
const entry = { hostUid: "host-1", operationId: "op-1", mac, address, kernelParameters: [] };
const site = "10.7.0.1";

async function setUp(): Promise<{ network: SimulatedNetwork; netboot: RunningNetboot }> {
  const network = simulateNetwork();
  const netboot = makeNetboot(network);
  const started = await netboot.start();
  if (!started.ok) throw new Error(started.error.message);
  return { network, netboot };
}

function discover(network: SimulatedNetwork): number {
  network.deliver({
    data: capturedRequest("uefiDiscover"),
    from: { address: "0.0.0.0", port: 68 },
    to: { address: "255.255.255.255", port: 67 },
  });
  return network.take().length;
}

/** Takes everything that is due now and later in this turn of the event loop. */
async function settled(
  network: SimulatedNetwork,
): Promise<{ from: UdpAddress; packet: TftpPacket }[]> {
  await new Promise((resolve) => setImmediate(resolve));
  return network.take().map(({ from, data }) => {
    const packet = decodeTftp(data);
    if (!packet.ok) throw new Error(packet.error.message);
    return { from, packet: packet.value };
  });
}

const client: UdpAddress = { address, port: 1288 };

function tftp(network: SimulatedNetwork, packet: TftpPacket, to?: UdpAddress, from = client): void {
  network.deliver({ data: encodeTftp(packet), from, to: to ?? { address: site, port: 69 } });
}

const read = (file: string, options: Record<string, string> = {}): TftpPacket => ({
  kind: "read",
  file,
  mode: "octet",
  options: new Map(Object.entries(options)),
});

async function http(
  netboot: RunningNetboot,
  target: string,
  { method = "GET", from = address, range = "" } = {},
): Promise<ServerResponse & { text: string }> {
  const headers: Record<string, string> = range === "" ? {} : { range };
  const remote = { address: from, port: 50_000 };
  const response = await netboot.handleHttp({ method, path: target, headers, remote });
  const chunks: Uint8Array[] = [];
  if (response.body instanceof Uint8Array) chunks.push(response.body);
  else for await (const chunk of response.body ?? []) chunks.push(chunk);
  return { ...response, text: Buffer.concat(chunks).toString() };
}

describe("netboot", () => {
  it("takes a machine from DISCOVER to its initrds and tells of each step", async () => {
    const { network, netboot } = await setUp();
    netboot.allow({ ...entry, kernelParameters: [{ name: "farrier.token", value: "t0k" }] });
    expect(discover(network)).toBe(1);
    tftp(network, read("snponly.efi"));
    expect(await settled(network)).toHaveLength(1);
    const script = await http(netboot, `${path}/script.ipxe`);
    expect(script.text).toContain("initrd=initrd-0 initrd=initrd-1 farrier.token=t0k ||");
    expect((await http(netboot, `${path}/kernel`)).text).toBe("content of /ramdisk/vmlinuz");
    expect((await http(netboot, `${path}/initrd-1`)).text).toBe("content of /ramdisk/program.cpio");
    expect(netboot.sightings(mac, 0).map(({ kind, detail }) => `${kind}: ${detail}`)).toEqual([
      "dhcp-discover: PXE on x64 UEFI",
      "dhcp-offer: 10.7.0.20, load snponly.efi",
      "bootloader: snponly.efi by TFTP",
      "script: script.ipxe",
      "kernel: kernel: 0.0 MB asked for",
      "kernel: kernel: 0.0 MB sent in 0.0 s",
      "initrd: initrd 1: 0.0 MB asked for",
      "initrd: initrd 1: 0.0 MB sent in 0.0 s",
    ]);
  });

  it("tells what was seen since a moment only", async () => {
    const { network, netboot } = await setUp();
    netboot.allow(entry);
    discover(network);
    network.pass(1000);
    const since = network.clock.nowMs();
    discover(network);
    expect(netboot.sightings(mac, 0)).toHaveLength(4);
    expect(netboot.sightings(mac, since)).toHaveLength(2);
    expect(netboot.sightings("52:54:00:00:00:00", 0)).toEqual([]);
  });

  it("answers nobody else, and logs a stranger once an hour", async () => {
    const { network, netboot } = await setUp();
    expect(discover(network)).toBe(0);
    expect(discover(network)).toBe(0);
    expect(netboot.strangers(0)).toEqual([mac]);
    expect(netboot.strangers(network.clock.nowMs() + 1)).toEqual([]);
    const lines = (): number =>
      network.logged.filter(({ message }) => message === "unknown machine wants to boot").length;
    expect(lines()).toBe(1);
    network.pass(3_600_000);
    discover(network);
    expect(lines()).toBe(2);
  });

  it("stops answering when the entry is withdrawn", async () => {
    const { network, netboot } = await setUp();
    netboot.allow(entry);
    discover(network);
    netboot.withdraw(mac);
    expect(discover(network)).toBe(0);
    expect((await http(netboot, `${path}/script.ipxe`)).status).toBe(404);
    tftp(network, read("snponly.efi"));
    expect(await settled(network)).toMatchObject([{ packet: { kind: "error", code: 1 } }]);
  });

  it("answers renewals on the socket that has the address", async () => {
    const { network, netboot } = await setUp();
    netboot.allow(entry);
    const packet = decodeDhcp(capturedRequest("uefiRequest"));
    if (!packet.ok) throw new Error(packet.error.message);
    const options = new Map([...packet.value.options, [54, addressValue(site)] as const]);
    options.set(50, addressValue(address));
    const data = encodeDhcp({ ...packet.value, options });
    network.deliver({ data, from: client, to: { address: site, port: 67 } });
    const [sent] = network.take();
    expect(sent?.from).toEqual({ address: site, port: 67 });
    expect(netboot.sightings(mac, 0).at(-1)?.kind).toBe("dhcp-ack");
  });

  it("ignores what is no DHCP packet", async () => {
    const { network } = await setUp();
    const to = { address: "255.255.255.255", port: 67 };
    network.deliver({ data: new Uint8Array(300), from: client, to });
    expect(network.take()).toEqual([]);
  });

  it("says every mistake of its configuration at once and does not start", async () => {
    const network = simulateNetwork({
      ...simulatedConfig,
      rangeFrom: "10.8.0.5",
      kernelPath: "/nowhere",
      kernelParameters: [{ name: "a", value: "b c" }],
    });
    network.contents.delete("/nowhere");
    const started = await makeNetboot(network).start();
    const message = started.ok ? "" : started.error.message;
    expect(message).toContain("rangeFrom 10.8.0.5 is above rangeTo 10.7.0.103");
    expect(message).toContain("rangeFrom 10.8.0.5 is not in the network of 10.7.0.1/24");
    expect(message).toContain("the value of kernel parameter a");
    expect(message).toContain('Cannot open "/nowhere"');
    expect(network.bound.size).toBe(0);
  });

  it("frees every port when it stops", async () => {
    const { network, netboot } = await setUp();
    netboot.allow(entry);
    discover(network);
    tftp(network, read("snponly.efi"));
    await settled(network);
    expect([...network.bound].map(({ port }) => port)).toEqual([67, 67, 69, expect.any(Number)]);
    netboot.stop();
    expect(network.bound.size).toBe(0);
  });

  it("listens on every interface and says so when it cannot bind to one", async () => {
    const network = simulateNetwork({ ...simulatedConfig, interface: "eth1" });
    expect((await makeNetboot(network).start()).ok).toBe(true);
    expect(network.logged.map(({ fields }) => fields["device"])).toEqual(["eth1"]);
  });

  it("throws when an entry breaks its contract", async () => {
    const { netboot } = await setUp();
    expect(() => netboot.allow({ ...entry, mac: mac.replace("12", "AB") })).toThrow(/lower case/);
    expect(() => netboot.allow({ ...entry, mac: "x" })).toThrow(/not a MAC/);
    const kernelParameters = [{ name: "a", value: "$(x)" }];
    expect(() => netboot.allow({ ...entry, kernelParameters })).toThrow(/kernel parameter a/);
  });
});

describe("netboot by TFTP", () => {
  async function allowed(): Promise<SimulatedNetwork> {
    const { network, netboot } = await setUp();
    netboot.allow(entry);
    discover(network);
    network.contents.set("/boot/snponly.efi", new Uint8Array(1000).fill(7));
    return network;
  }

  it("sends a file in blocks from a port of its own", async () => {
    const network = await allowed();
    tftp(network, read("/snponly.efi"));
    const [first] = await settled(network);
    expect(first?.packet).toMatchObject({ kind: "data", block: 1, data: { length: 512 } });
    expect(first?.from.port).not.toBe(69);
    tftp(network, { kind: "ack", block: 1 }, first?.from);
    expect(await settled(network)).toMatchObject([{ packet: { block: 2, data: { length: 488 } } }]);
    tftp(network, { kind: "ack", block: 2 }, first?.from);
    await settled(network);
    expect([...network.bound].some(({ port }) => port === first?.from.port)).toBe(false);
  });

  it("agrees on options first, then sends a window", async () => {
    const network = await allowed();
    tftp(network, read("snponly.efi", { tsize: "0", blksize: "100", windowsize: "4" }));
    const [oack] = await settled(network);
    expect(oack?.packet).toEqual({
      kind: "oack",
      options: new Map([
        ["tsize", "1000"],
        ["blksize", "100"],
        ["windowsize", "4"],
      ]),
    });
    tftp(network, { kind: "ack", block: 0 }, oack?.from);
    const blocks = (await settled(network)).map(({ packet }) => packet);
    expect(blocks.map((packet) => packet.kind === "data" && packet.block)).toEqual([1, 2, 3, 4]);
  });

  it("ends at once when OVMF only wanted to know the size", async () => {
    const network = await allowed();
    tftp(network, read("snponly.efi", { tsize: "0" }));
    const [oack] = await settled(network);
    tftp(network, { kind: "error", code: 8, message: "User aborted the transfer" }, oack?.from);
    await settled(network);
    network.pass(60_000);
    expect(await settled(network)).toEqual([]);
    expect(network.logged.some(({ message }) => message === "tftp client fell silent")).toBe(false);
  });

  it("starts one transfer when the request comes twice", async () => {
    const network = await allowed();
    tftp(network, read("snponly.efi"));
    tftp(network, read("snponly.efi"));
    expect(await settled(network)).toHaveLength(1);
    tftp(network, read("snponly.efi"));
    expect(await settled(network)).toHaveLength(0);
  });

  it("starts anew when the client asks again after it had begun", async () => {
    const network = await allowed();
    tftp(network, read("snponly.efi"));
    const [first] = await settled(network);
    tftp(network, { kind: "ack", block: 1 }, first?.from);
    await settled(network);
    tftp(network, read("snponly.efi"));
    const [again] = await settled(network);
    expect(again?.packet).toMatchObject({ kind: "data", block: 1 });
    expect(again?.from.port).not.toBe(first?.from.port);
  });

  it("repeats after a silence, ever later, and gives up", async () => {
    const network = await allowed();
    tftp(network, read("snponly.efi"));
    await settled(network);
    for (const ms of [1000, 2000, 4000, 8000, 8000]) {
      network.pass(ms - 1);
      expect(await settled(network)).toEqual([]);
      network.pass(1);
      expect(await settled(network)).toMatchObject([{ packet: { kind: "data", block: 1 } }]);
    }
    network.pass(8000);
    expect(await settled(network)).toEqual([]);
    expect(network.logged.at(-1)?.message).toBe("tftp client fell silent");
  });

  it("tells another port that the transfer is not its own", async () => {
    const network = await allowed();
    tftp(network, read("snponly.efi"));
    const [first] = await settled(network);
    tftp(network, { kind: "ack", block: 1 }, first?.from, { address, port: 9 });
    expect(await settled(network)).toMatchObject([{ packet: { kind: "error", code: 5 } }]);
  });

  it.each<[string, TftpPacket, number]>([
    ["a file that is not there", read("grubx64.efi"), 1],
    ["a path that climbs", read("../../etc/passwd"), 1],
    ["a write", { kind: "write", file: "x", mode: "octet", options: new Map() }, 2],
    ["netascii", { ...read("snponly.efi"), mode: "netascii" } as TftpPacket, 0],
  ])("refuses %s at once", async (_name, packet, code) => {
    const network = await allowed();
    tftp(network, packet);
    expect(await settled(network)).toMatchObject([{ packet: { kind: "error", code } }]);
  });

  it("refuses a client that has no lease", async () => {
    const network = await allowed();
    tftp(network, read("snponly.efi"), undefined, { address: "10.7.0.99", port: 5 });
    expect(await settled(network)).toMatchObject([{ packet: { kind: "error", code: 1 } }]);
  });
});

describe("netboot by HTTP", () => {
  async function allowed(): Promise<RunningNetboot> {
    const { network, netboot } = await setUp();
    netboot.allow(entry);
    discover(network);
    network.contents.set("/ramdisk/vmlinuz", new TextEncoder().encode("0123456789"));
    return netboot;
  }

  it("gives size and no body when UEFI asks by HEAD", async () => {
    const netboot = await allowed();
    const head = await http(netboot, `${path}/bootloader.efi`, { method: "HEAD" });
    const size = String("content of /boot/snponly.efi".length);
    expect(head).toMatchObject({ status: 200, text: "", headers: { "content-length": size } });
    expect(netboot.sightings(mac, 0).some(({ kind }) => kind === "bootloader")).toBe(false);
  });

  it("gives a range", async () => {
    const netboot = await allowed();
    expect(await http(netboot, `${path}/kernel`, { range: "bytes=2-4" })).toMatchObject({
      status: 206,
      text: "234",
      headers: { "content-range": "bytes 2-4/10", "content-length": "3" },
    });
    expect(await http(netboot, `${path}/kernel`, { range: "bytes=10-" })).toMatchObject({
      status: 416,
      headers: { "content-range": "bytes */10" },
    });
  });

  it("refuses the script to an address that is not the MAC's", async () => {
    const netboot = await allowed();
    expect((await http(netboot, `${path}/script.ipxe`, { from: "10.7.0.21" })).status).toBe(404);
    expect((await http(netboot, `${path}/script.ipxe`, { from: `::ffff:${address}` })).status).toBe(
      200,
    );
  });

  it("refuses the script before the MAC has an address, but to the one that it would be given", async () => {
    const { netboot } = await setUp();
    const { address: _fixed, ...without } = entry;
    netboot.allow(without);
    for (const from of ["10.7.0.21", "10.7.0.99"]) {
      expect((await http(netboot, `${path}/script.ipxe`, { from })).status).toBe(404);
    }
    const restarted = await setUp();
    restarted.netboot.allow(entry);
    expect((await http(restarted.netboot, `${path}/script.ipxe`)).status).toBe(200);
  });

  it.each([
    "/",
    "/boot/",
    `${path}/`,
    `${path}/initrd-2`,
    `${path}/initrd-x`,
    `${path}/../script.ipxe`,
    "/boot/52-54-00-12-34-99/script.ipxe",
    "/boot/01-00-5e-00-00-01/script.ipxe",
    "/boot/zz/script.ipxe",
  ])("says 404 to %s", async (target) => {
    expect((await http(await allowed(), target)).status).toBe(404);
  });

  it("says 405 to anything but GET and HEAD", async () => {
    const netboot = await allowed();
    expect((await http(netboot, `${path}/kernel`, { method: "PUT" })).status).toBe(405);
  });
});
