// Invariants about what is erased and written: S1, S6, S7, S11, S19, S29, S34, S45.
import type { WorldEvent } from "../world/events.ts";
import { hostOf, isHandsOff, specOf, stateOf, statusOf } from "./host-of.ts";
import { onItsWayMs, Since } from "./history.ts";
import type { JudgeKind } from "./judge.ts";

type DiskEvent = Extract<WorldEvent, { readonly kind: "disk" }>;

/** Tells the first change of a boot, which is its point of no return, from those that follow. */
function firstOfBoot(): (event: DiskEvent) => boolean {
  const boots = new Set<string>();
  return ({ machine, boot }) => {
    const key = `${machine} ${boot}`;
    const isFirst = !boots.has(key);
    boots.add(key);
    return isFirst;
  };
}

export const s1: JudgeKind = {
  id: "S1",
  says: "nothing is erased or written on a host that is externally provisioned at the point of no return",
  make(report) {
    const isFirst = firstOfBoot();
    const external = new Since((object) => specOf(object).externallyProvisioned === true);
    return {
      on: {
        object: (event) => external.onObject(event),
        disk(event, truth) {
          if (!isFirst(event)) return;
          for (const { object } of truth.hostsOf(event.machine)) {
            const heldMs = external.heldMs(object.metadata.uid, event.atMs);
            const isKnown = stateOf(object) === "externally provisioned";
            if (heldMs > onItsWayMs || (heldMs >= 0 && isKnown)) {
              report(
                `${event.change} on ${event.disk}: externally provisioned for ${heldMs} ms`,
                event.machine,
              );
            }
          }
        },
      },
    };
  },
};

export const s3: JudgeKind = {
  id: "S3",
  says: "no disk of a host is touched long after it was detached or paused",
  make(report) {
    const isFirst = firstOfBoot();
    const held = new Since(isHandsOff);
    return {
      on: {
        object: (event) => held.onObject(event),
        disk(event, truth) {
          if (!isFirst(event)) return;
          const host = hostOf(truth, event.machine);
          if (host === undefined) return;
          const heldMs = held.heldMs(host.metadata.uid, event.atMs);
          const isDetached = statusOf(host).operationalStatus === "detached";
          if (heldMs > onItsWayMs || (heldMs >= 0 && isDetached)) {
            report(`${event.change} on ${event.disk}: held for ${heldMs} ms`, event.machine);
          }
        },
      },
    };
  },
};

export const s6: JudgeKind = {
  id: "S6",
  says: "work begins only on a machine that a host of ours stands for, by its boot MAC",
  make(report) {
    const isFirst = firstOfBoot();
    const gone = new Map<string, number>();
    return {
      on: {
        object({ after, verb, atMs }) {
          if (after.kind !== "BareMetalHost" || verb !== "gone") return;
          gone.set((specOf(after).bootMACAddress ?? "").toLowerCase(), atMs);
        },
        disk(event, truth) {
          const machine = truth.machines.get(event.machine);
          if (machine === undefined || !isFirst(event)) return;
          const isMeant = truth.clusters.some((cluster) =>
            [...truth.objects(cluster).values()].some(
              (object) =>
                object.kind === "BareMetalHost" &&
                machine.macs.includes((specOf(object).bootMACAddress ?? "").toLowerCase()),
            ),
          );
          const goneMs = Math.max(...machine.macs.map((mac) => gone.get(mac) ?? -Infinity));
          if (isMeant || event.atMs - goneMs <= onItsWayMs) return;
          const text = `${event.change} on ${event.disk}, and no host names a MAC of the machine`;
          report(text, event.machine);
        },
      },
    };
  },
};

export const s7: JudgeKind = {
  id: "S7",
  says: "an image goes to the disk that the hints name, and to no other",
  make(report) {
    /** Serial numbers that hints have named, newest last, with the time until which each was the newest. */
    const named = new Map<string, { serialNumber: string | undefined; untilMs: number }[]>();
    const begunMs = new Map<string, number>();
    return {
      on: {
        object({ after, atMs }) {
          if (after.kind !== "BareMetalHost") return;
          const serialNumber = specOf(after).rootDeviceHints?.serialNumber?.toLowerCase();
          const list = named.get(after.metadata.uid) ?? [];
          named.set(after.metadata.uid, list);
          const newest = list.at(-1);
          if (newest !== undefined && newest.serialNumber === serialNumber) return;
          if (newest !== undefined) newest.untilMs = atMs;
          list.push({ serialNumber, untilMs: Infinity });
        },
        disk(event, truth) {
          const boot = `${event.machine} ${event.boot}`;
          const sinceMs = begunMs.get(boot) ?? event.atMs;
          begunMs.set(boot, sinceMs);
          const host = hostOf(truth, event.machine);
          // Signatures are removed by zeros; what is written is the image.
          if (host === undefined || event.change !== "write") return;
          if (stateOf(host) !== "provisioning") return;
          const valid = (named.get(host.metadata.uid) ?? [])
            .filter(({ untilMs }) => untilMs > sinceMs - onItsWayMs)
            .map(({ serialNumber }) => serialNumber);
          if (valid.includes(undefined) || valid.includes(event.disk.toLowerCase())) return;
          report(`wrote to ${event.disk}, and the hints name ${valid.join(", ")}`, event.machine);
        },
      },
    };
  },
};

export const s10: JudgeKind = {
  id: "S10",
  says: "one operation destroys in one boot of one machine only",
  make(report) {
    const boots = new Map<string, string>();
    const running = new Map<string, string>();
    return {
      on: {
        "ramdisk-message"(event) {
          if (event.type === "go" && event.operationId !== undefined) {
            running.set(event.machine, event.operationId);
          }
        },
        disk(event) {
          const operation = running.get(event.machine);
          if (operation === undefined) {
            report(`${event.change} on ${event.disk} without a word that it may`, event.machine);
            return;
          }
          const boot = `${event.machine} ${event.boot}`;
          const known = boots.get(operation);
          boots.set(operation, boot);
          if (known !== undefined && known !== boot) {
            report(`operation ${operation} destroyed in ${known} and in ${boot}`, event.machine);
          }
        },
        running(event) {
          if (event.running === "firmware" || event.running === "nothing")
            running.delete(event.machine);
        },
      },
    };
  },
};

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

export const s19: JudgeKind = {
  id: "S19",
  says: "an available host does not run the system of a former tenant",
  make: (report) => ({
    on: {
      running(event, truth) {
        if (event.running !== "operating system") return;
        const host = hostOf(truth, event.machine);
        const macs = truth.machines.get(event.machine)?.macs ?? [];
        // Behind exchanged cables a host's BMC is another machine's, and what runs there is not its business.
        const isOurs =
          event.system !== undefined &&
          event.system !== "old" &&
          macs.includes((specOf(host).bootMACAddress ?? "").toLowerCase());
        if (
          host !== undefined &&
          isOurs &&
          stateOf(host) === "available" &&
          specOf(host).automatedCleaningMode !== "disabled"
        ) {
          report(`available, and runs ${event.system}`, event.machine);
        }
      },
    },
  }),
};

export const s34: JudgeKind = {
  id: "S34",
  says: "before the first destroyed byte the journal says durably that the operation destroys",
  make(report) {
    const isFirst = firstOfBoot();
    return {
      on: {
        disk(event, truth) {
          const machine = truth.machines.get(event.machine);
          if (machine === undefined || !isFirst(event)) return;
          const states = truth
            .journal(machine.site)
            .flatMap(({ rows }) => rows)
            .filter(({ state }) => state === "destroying");
          if (states.length === 0) {
            report(`${event.change} on ${event.disk}, and no journal says so`, event.machine);
          }
        },
      },
    };
  },
};
