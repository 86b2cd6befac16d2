// S37: booting from the network is asked of a BMC for one boot, and is over when the host is as it shall be: no override
// is left, and the boot network has nothing for its machine. A host that is taken over as it is, from externally
// provisioned, was not booted for that: what an earlier boot that failed has left is replaced before the next one.
import type { WorldEvent } from "../world/events.ts";
import { fleetOf } from "./fleet-of.ts";
import { onItsWayMs } from "./history.ts";
import { hostOf, specOf, stateOf, statusOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";

/** States that lead to provisioned without a boot. */
const takenOver: readonly string[] = ["provisioned", "externally provisioned"];

export const s37: JudgeKind = {
  id: "S37",
  says: "network boot is set for one boot, and is withdrawn before the host is provisioned",
  make(report) {
    const swapped = new Set<string>();
    /** Since when each host is provisioned, and nobody wants anything else. */
    const settled = new Map<string, number>();
    return {
      on: {
        // Behind exchanged cables is another machine.
        fault({ fault, target }) {
          if (fault === "swapped-machine") for (const name of target.split("+")) swapped.add(name);
        },
        "boot-device"({ machine, place, once, agent }) {
          if (agent !== undefined && place === "network" && !once)
            report("network boot is set for every boot", machine);
        },
        object(event, truth) {
          const { before, after, by, atMs } = event;
          if (after.kind !== "BareMetalHost") return;
          const { uid } = after.metadata;
          if (!isSettled(event)) return void settled.delete(uid);
          if (!settled.has(uid)) settled.set(uid, atMs);
          if (by !== "farrier" || takenOver.includes(stateOf(before))) return;
          const { machine } = fleetOf(truth).find(({ object }) => object === after) ?? {};
          if (machine?.override?.place !== "network" || swapped.has(machine.name)) return;
          report("provisioned, and its BMC still says network", machine.name);
        },
        served({ machine, path, status, atMs }, truth) {
          if (machine === undefined || status !== 200 || !path.startsWith("/boot/")) return;
          const host = hostOf(truth, machine);
          const sinceMs = settled.get(host?.metadata.uid ?? "");
          if (sinceMs === undefined || atMs - sinceMs <= onItsWayMs || swapped.has(machine)) return;
          report(`was given ${path}, and is provisioned for ${atMs - sinceMs} ms`, machine);
        },
      },
    };
  },
};

/** Provisioned, and nobody wants anything else. */
function isSettled({ after, verb }: Extract<WorldEvent, { readonly kind: "object" }>): boolean {
  return (
    verb !== "gone" &&
    after.metadata.deletionTimestamp === undefined &&
    stateOf(after) === "provisioned" &&
    specOf(after).image?.url === statusOf(after).provisioning?.image?.url
  );
}
