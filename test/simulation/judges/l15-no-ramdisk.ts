// L15: a machine that was started for the ramdisk, and from which the ramdisk does not call, is not waited for without
// end: it is switched again, or its host says what was seen of its boot. A boot device that was set for once counts for
// one start.
import { anything, Calm } from "./calm.ts";
import { fleetOf } from "./fleet-of.ts";
import { isHandsOff, statusOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { Waits } from "./waits.ts";

const boundMs = 20 * 60_000;

export const l15: JudgeKind = {
  id: "L15",
  says: "20 min after a start from which no ramdisk called the power is switched again, or the host says why not",
  make(report) {
    const calm = new Calm();
    const sinceMs = () => calm.connectedSinceMs(anything);
    /** Machines that were told to boot from the network last, and whether for once. */
    const fromNetwork = new Map<string, { readonly once: boolean }>();
    const waits = new Waits(boundMs, (machine, afterMs) =>
      report(`waits for a ramdisk for ${afterMs} ms`, machine),
    );
    return {
      on: {
        ...calm.on,
        "boot-device"({ machine, place, once, agent }) {
          if (agent === undefined) return;
          if (place === "network") fromNetwork.set(machine, { once });
          else fromNetwork.delete(machine);
        },
        running({ machine, running }) {
          const isUsedUp = running === "firmware" && fromNetwork.get(machine)?.once === true;
          if (isUsedUp) fromNetwork.delete(machine);
        },
        "power-command"({ machine, action, agent, atMs }) {
          if (agent === undefined) return;
          waits.end(machine, atMs, sinceMs());
          const starts = action === "on" || action === "reset" || action === "cycle";
          if (starts && fromNetwork.has(machine)) waits.begin(machine, atMs);
        },
        "ramdisk-message"({ machine, type, atMs }) {
          if (type === "hello") waits.end(machine, atMs, sinceMs());
        },
      },
      look(truth) {
        const nowMs = truth.nowMs();
        const fleet = waits.keys.length === 0 ? [] : fleetOf(truth);
        for (const name of waits.keys) {
          const host = fleet.find(
            ({ object, machine }) => machine?.name === name && !isHandsOff(object),
          );
          // Nobody's any more.
          if (host === undefined) waits.drop(name);
          else if ((statusOf(host.object).errorMessage ?? "") !== "") {
            waits.end(name, nowMs, sinceMs());
          }
        }
        waits.look(nowMs, sinceMs);
      },
    };
  },
};
