// S11: a host is called provisioned when it is.
import { specOf, stateOf, statusOf } from "./host-of.ts";
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
        for (const [name, machine] of truth.machines) {
          if (swapped.has(name)) continue;
          if (!truth.hostsOf(name).some(({ object }) => object.metadata.uid === after.metadata.uid))
            continue;
          const holds = machine.disks.some(
            (disk) => image !== undefined && isPrefix(image.bytes, disk.peek(0, 440)),
          );
          if (!holds) report(`provisioned with ${url}, which is on none of its disks`, name);
        }
      },
    },
  }),
};

/** The boot code names the image; the table behind it is moved to the disk's end. */
function isPrefix(image: Uint8Array, start: Uint8Array): boolean {
  return start.every((byte, at) => byte === image[at]);
}
