// DHCP clients of others judge our server: busybox udhcpc, also in the clothes of PXE firmware, and
// ISC dhclient.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startNetbootLab, until } from "./netboot-lab.ts";
import type { ClientHost, NetbootLab } from "./netboot-lab.ts";

let site: NetbootLab;
let folder: string;
let udhcpcScript: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "farrier-dhcp-"));
  udhcpcScript = join(folder, "udhcpc.sh");
  // Says what it was told, as NAME=value lines after the event, and takes the address.
  const script = `#!/bin/sh
echo "event $1"; env
case $1 in
  deconfig) ip address flush dev $interface ;;
  bound|renew) ip address replace $ip/$mask dev $interface ;;
esac
`;
  await writeFile(udhcpcScript, script, { mode: 0o755 });
  site = await startNetbootLab({ packages: ["busybox-static", "isc-dhcp-client"] });
});
afterAll(async () => {
  await site.stop();
  await rm(folder, { recursive: true });
});

const pxe = ["-V", "PXEClient:Arch:00007:UNDI:003016", "-x", "93:0007", "-x", "94:010310"];

/** Runs udhcpc until it has a lease or has asked twice; what the script was told last, by name. */
async function udhcpc(host: ClientHost, ...more: string[]): Promise<Record<string, string>> {
  const once = ["-f", "-q", "-n", "-t", "2", "-T", "1", "-A", "1"];
  const asked = ["-i", "eth0", "-s", udhcpcScript, "-O", "bootfile", "-O", "tftp"];
  const { stdout } = await host.run("busybox", "udhcpc", ...once, ...asked, ...more);
  return told(stdout);
}

function told(output: string): Record<string, string> {
  const last = output.slice(output.lastIndexOf("event "));
  const lines = last.split("\n").slice(1);
  return {
    event: /^event (\w+)/.exec(last)?.[1] ?? "",
    ...Object.fromEntries(lines.map((line) => line.split(/=(.*)/s).slice(0, 2))),
  };
}

describe("udhcpc", () => {
  it("gets address, mask and lease when it asks for nothing more", async () => {
    const host = await site.addHost("52:54:00:fa:01:01");
    await site.allow({ mac: host.mac, address: "192.168.100.21" });
    expect(await udhcpc(host)).toMatchObject({
      event: "bound",
      ip: "192.168.100.21",
      subnet: "255.255.255.0",
      serverid: "192.168.100.1",
      lease: "3600",
    });
    const kinds = (await site.sightings(host.mac)).map(({ kind }) => kind);
    expect(kinds).toEqual(["dhcp-discover", "dhcp-offer", "dhcp-ack"]);
  });

  it("is told where and what to load when it speaks as PXE firmware", async () => {
    const host = await site.addHost("52:54:00:fa:01:02");
    await site.allow({ mac: host.mac });
    expect(await udhcpc(host, ...pxe)).toMatchObject({
      event: "bound",
      ip: expect.stringMatching(/^192\.168\.100\.1(0\d|10)$/) as string,
      siaddr: "192.168.100.1",
      boot_file: "snponly.efi",
      tftp: "192.168.100.1",
      bootfile: "snponly.efi",
    });
  });

  it("is told its script when it speaks as iPXE", async () => {
    const host = await site.addHost("52:54:00:fa:01:03");
    await site.allow({ mac: host.mac });
    const url = "http://192.168.100.1:8080/boot/52-54-00-fa-01-03/script.ipxe";
    const ipxe = ["-x", "77:69505845"]; // "iPXE", without a length before it
    expect(await udhcpc(host, ...pxe, ...ipxe)).toMatchObject({ boot_file: url, bootfile: url });
  });

  it("gets nothing when nobody allowed it, and is a stranger when it wanted to boot", async () => {
    const plain = await site.addHost("52:54:00:fa:01:04");
    const booting = await site.addHost("52:54:00:fa:01:05");
    expect(await udhcpc(plain)).not.toHaveProperty("ip");
    expect(await udhcpc(booting, ...pxe)).not.toHaveProperty("ip");
    expect(await site.strangers()).toEqual([booting.mac]);
    const lines = site.logged().split("\n");
    expect(lines.filter((line) => line.includes(booting.mac))).toHaveLength(1);
  });

  it("renews by unicast, also after its entry was withdrawn", async () => {
    const host = await site.addHost("52:54:00:fa:01:06");
    await site.allow({ mac: host.mac, address: "192.168.100.26" });
    const flags = ["-f", "-i", "eth0", "-s", udhcpcScript];
    const client = host.spawn("busybox", "udhcpc", ...flags);
    onTestFinished(() => client.kill());
    let output = "";
    client.stdout?.on("data", (part: Buffer) => {
      output += part.toString("utf8");
    });
    await until(
      () => told(output)["event"],
      (event) => event === "bound",
    );
    await site.withdraw(host.mac);
    const addresses = await host.run("ip", "-4", "-o", "address", "show", "dev", "eth0");
    expect(addresses.stdout).toContain("192.168.100.26/24");
    // nsenter becomes the program it runs, so the signal reaches udhcpc: "renew now".
    await client.signal("SIGUSR1");
    const renewed = await until(
      () => told(output),
      ({ event }) => event === "renew",
    );
    expect(renewed).toMatchObject({ ip: "192.168.100.26", lease: "3600" });
  });
});

describe("dhclient", () => {
  it("keeps its address when it starts again, and takes another when it is refused", async () => {
    const host = await site.addHost("52:54:00:fa:01:07");
    await site.allow({ mac: host.mac, address: "192.168.100.27" });
    const paths = ["-lf", join(folder, "leases"), "-pf", join(folder, "dhclient.pid")];
    /** What it sent and received until it had a lease, in its own words. */
    const dhclient = async (): Promise<string[]> => {
      const flags = ["-1", "-v", "-sf", "/bin/true"];
      const { stderr } = await host.run("dhclient", ...flags, ...paths, "eth0");
      await host.run("dhclient", "-x", ...paths, "eth0"); // Ends the daemon that it left behind.
      return stderr.match(/DHCP[A-Z]+( (for|of) [\d.]+)?/g) ?? [];
    };

    const first = "192.168.100.27";
    const anew = (address: string): string[] => [
      "DHCPDISCOVER",
      `DHCPOFFER of ${address}`,
      `DHCPREQUEST for ${address}`,
      `DHCPACK of ${address}`,
    ];
    expect(await dhclient()).toEqual(anew(first));
    expect(await dhclient()).toEqual([`DHCPREQUEST for ${first}`, `DHCPACK of ${first}`]);

    const second = "192.168.100.28";
    await site.allow({ mac: host.mac, address: second });
    expect(await dhclient()).toEqual([`DHCPREQUEST for ${first}`, "DHCPNAK", ...anew(second)]);
  });
});
