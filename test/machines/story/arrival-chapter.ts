// Chapter 1: registering, inspecting, preparing; and a host that is only looked at.
import { expect, test } from "vitest";
import { hostManifests } from "../fleet/host-object.ts";
import { judgeErased, judgeUnrecognisable } from "../fleet/judge-disk.ts";
import { digestOfMiddle } from "../fleet/used-disks.ts";
import { chapter, labMachine, m1, m2, m3, ours, stage } from "./stage.ts";

interface Hardware {
  readonly nics: readonly { readonly ip: string }[];
  readonly storage: readonly {
    readonly serialNumber: string;
    readonly sizeBytes: number;
    readonly type: string;
  }[];
}

const mib = 1024 * 1024;

export function tellArrival(): void {
  test("two machines enter each state once until they are available", chapter, async () => {
    const { fleet } = stage();
    const warnings = await fleet.apply(...hostManifests(m1), ...hostManifests(m2));
    expect(warnings).toContain("the partition tables of ALL disks");
    await Promise.all(ours.map(({ name }) => fleet.untilState(name, "available", 500)));
    const life = ["", "registering", "inspecting", "preparing", "available"];
    expect(fleet.watch.states("m1")).toEqual(life);
    expect(fleet.watch.states("m2")).toEqual(life);
  });

  test.each([
    { machine: m1, firmware: /SeaBIOS/, disks: "HDD" },
    { machine: m2, firmware: /EFI Development Kit/, disks: "NVME" },
  ])("HardwareData of $machine.name is what QEMU was given", async (given) => {
    const { name, mac } = given.machine;
    const { fleet } = stage();
    const found = await fleet.get<{ spec: { hardware: Hardware } }>("hardwaredata", name);
    const { hardware } = found.spec;
    expect(hardware).toMatchObject({
      cpu: { arch: "x86_64", count: given.machine.cpus },
      ramMebibytes: given.machine.memoryMiB,
      systemVendor: {
        manufacturer: given.machine.manufacturer,
        productName: given.machine.product,
        serialNumber: given.machine.serial,
      },
      firmware: { bios: { vendor: expect.stringMatching(given.firmware) } },
      nics: [{ mac, pxe: true }],
    });
    const bySerial = new Map(hardware.storage.map((disk) => [disk.serialNumber, disk]));
    expect(hardware.storage.length).toBe(given.machine.disks.length);
    for (const { serial, sizeMiB } of given.machine.disks) {
      expect(bySerial.get(serial)).toMatchObject({ sizeBytes: sizeMiB * mib, type: given.disks });
    }
    const neighbours = await fleet.paddock.lab.run(["ip", "neighbour", "show", "dev", "br0"]);
    expect(neighbours.stdout).toContain(`${hardware.nics[0]?.ip} lladdr ${mac}`);
  });

  test("nothing on the disks is recognised, and the data itself is still there", async () => {
    for (const [name, { data, middle }] of stage().disks) {
      await judgeErased(data);
      await judgeUnrecognisable(labMachine(name).diskPath("root"));
      expect(await digestOfMiddle(labMachine(name))).toBe(middle);
    }
  });

  test("a host that is provisioned elsewhere is known and left alone", chapter, async () => {
    const { fleet } = stage();
    await fleet.apply(...hostManifests(m3, { externallyProvisioned: true }));
    await fleet.untilState("m3", "externally provisioned", 60);
    const patience = { fact: "its power is known", seconds: 60 };
    await fleet.untilHost("m3", patience, (host) => host?.status?.poweredOn === true);
    expect(fleet.watch.states("m3")).toEqual(["", "registering", "externally provisioned"]);
  });
}
