// S11: a host is called provisioned when it is.
import type { KubernetesObject } from "../world/events.ts";
import type { MachineTruth, Truth } from "../world/truth.ts";
import { bootsFrom, specOf, stateOf, statusOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";

export const s11: JudgeKind = {
  id: "S11",
  says: "a host becomes provisioned only when its image is what its disk boots",
  make: (report, swapped = new Set<string>()) => ({
    on: {
      // Behind a BMC whose cable leads elsewhere since the write is another machine.
      fault: ({ fault, target }) => {
        if (fault === "swapped-machine") for (const name of target.split("+")) swapped.add(name);
      },
      object({ before, after }, truth) {
        if (after.kind !== "BareMetalHost" || stateOf(before) !== "provisioning") return;
        if (stateOf(after) !== "provisioned" || specOf(after).externallyProvisioned === true)
          return;
        const url = statusOf(after).provisioning?.image?.url;
        const image = truth.images.find((each) => each.url === url);
        for (const machine of machinesOf(after, truth)) {
          if (swapped.has(machine.name)) continue;
          const holds = machine.disks.some(
            (disk) => image !== undefined && isPrefix(image.bytes, disk.peek(0, 440)),
          );
          if (!holds)
            report(`provisioned with ${url}, which is on none of its disks`, machine.name);
        }
      },
    },
  }),
};

/**
 * Those that boot from its MAC: a BMC's address may be changed to another machine's while this one is written. Where none
 * has the MAC, those whose BMC it names.
 */
function machinesOf(host: KubernetesObject, truth: Truth): readonly MachineTruth[] {
  const machines = [...truth.machines.values()];
  const booted = machines.filter((machine) => bootsFrom(host, machine));
  if (booted.length > 0) return booted;
  const { uid } = host.metadata;
  return machines.filter(({ name }) =>
    truth.hostsOf(name).some(({ object }) => object.metadata.uid === uid),
  );
}

/** The boot code names the image; the table behind it is moved to the disk's end. */
function isPrefix(image: Uint8Array, start: Uint8Array): boolean {
  return start.every((byte, at) => byte === image[at]);
}
