// Real firmware judges the whole boot network: the BIOS network ROM of QEMU (iPXE) and OVMF, each
// from power-on to the last file of the boot. What is booted is iPXE once more, because it is a
// kernel for both: ipxe.lkrn takes its initrd for a script, snponly.efi is an EFI program.

import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import type { MachineSpec } from "../../infra/lab/machine/machine-spec.ts";
import { tapName } from "../../infra/lab/machine/machine-spec.ts";
import { biosMachine, uefiMachine } from "../../infra/lab/sample-machines.ts";
import type { NetbootConfig } from "../../site-agent/netboot/netboot-config.ts";
import type { BootSighting } from "../../site-agent/netboot/port.ts";
import { startNetbootLab, until } from "./netboot-lab.ts";
import type { NetbootLab } from "./netboot-lab.ts";

let folder: string;
let initrd: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "farrier-firmware-"));
  initrd = join(folder, "initrd");
  await writeFile(initrd, "#!ipxe\necho FARRIER-RAMDISK-RUNS\nsleep 1000000\n");
});
afterAll(async () => {
  await rm(folder, { recursive: true });
});

async function startSite(spec: MachineSpec, kernelPath: string): Promise<NetbootLab> {
  const config: Partial<NetbootConfig> = { kernelPath, initrdPaths: [initrd] };
  const site = await startNetbootLab({ packages: [], machines: [spec], config });
  onTestFinished(() => site.stop());
  await site.allow({ mac: spec.mac });
  return site;
}

/**
 * A machine with OVMF's own network stack, on the tap of a lab machine that stays off: the lab's
 * network cards have ROMs, and those are iPXE.
 */
async function startOvmf(site: NetbootLab, spec: MachineSpec, more: string[]): Promise<void> {
  const variables = join(folder, `${spec.name}.fd`);
  await copyFile("/usr/share/OVMF/OVMF_VARS_4M.fd", variables);
  const flash = "if=pflash,format=raw";
  const argv = [
    ["qemu-system-x86_64", "-nodefaults", "-machine", "q35", "-accel", "tcg", "-m", "512"],
    ["-display", "none", "-boot", "strict=on", "-uuid", spec.uuid],
    ["-drive", `${flash},readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd`],
    ["-drive", `${flash},file=${variables}`],
    ["-netdev", `tap,id=net0,ifname=${tapName(spec.name)},script=no,downscript=no`],
    ["-device", `virtio-net-pci,netdev=net0,mac=${spec.mac},romfile=,bootindex=0`],
  ];
  const qemu = site.lab.spawn([...argv.flat(), ...more]);
  onTestFinished(() => qemu.kill());
}

/** The kinds in their order. A client that asks twice before it takes an offer has asked once. */
function story(sightings: readonly BootSighting[]): string[] {
  const kinds = sightings.map(({ kind }) => kind);
  const isRepeated = (kind: string, i: number): boolean =>
    kind === kinds[i + 1] || (kind.startsWith("dhcp-") && kind === kinds[i + 2]);
  return kinds.filter((kind, i) => !isRepeated(kind, i));
}

const dhcp = ["dhcp-discover", "dhcp-offer", "dhcp-ack"];
const files = ["script", "kernel", "initrd"];

describe("firmware", () => {
  it("boots kernel and initrd when it is BIOS", async () => {
    const spec = biosMachine(1, { bootOrder: ["pxe"] });
    const site = await startSite(spec, "/usr/lib/ipxe/ipxe.lkrn");
    const machine = site.lab.machine(spec.name);
    await machine.chassis("set", "power", "1");
    const serial = (): Promise<string> =>
      readFile(machine.paths.serialLog, "latin1").catch(() => "");
    await until(serial, (text) => text.includes("FARRIER-RAMDISK-RUNS"), 90_000);
    const seen = await site.sightings(spec.mac);
    expect(story(seen)).toEqual([...dhcp, ...files]);
    expect(seen[0]?.detail).toBe("iPXE on x86 BIOS");
  });

  it.each([
    { way: "TFTP", client: "PXE on x64 UEFI", fwCfg: [] },
    {
      way: "HTTP",
      client: "HTTP boot on x64 UEFI HTTP",
      fwCfg: ["IPv4PXESupport", "IPv6PXESupport"],
    },
  ])("boots by $way, then script, kernel and initrd when it is UEFI", async (firmware) => {
    const spec = uefiMachine(2);
    const site = await startSite(spec, "/usr/lib/ipxe/snponly.efi");
    // OVMF tries PXE first, with a time-out of a minute each, unless it is told not to.
    const off = firmware.fwCfg.map((name) => `name=opt/org.tianocore/${name},string=n`);
    await startOvmf(
      site,
      spec,
      off.flatMap((value) => ["-fw_cfg", value]),
    );
    // The kernel is iPXE: that it runs shows in its asking for an address.
    const isOver = (seen: readonly BootSighting[]): boolean =>
      seen.some(({ kind }) => kind === "initrd") && seen.at(-1)?.kind === "dhcp-ack";
    const seen = await until(() => site.sightings(spec.mac), isOver, 110_000);
    expect(story(seen)).toEqual([...dhcp, "bootloader", ...dhcp, ...files, ...dhcp]);
    expect(seen[0]?.detail).toBe(firmware.client);
  });
});
