// Invariants about switching, logins and control: S2, S14, S15, S21, S26, S28, S38.
import type { WorldEvent } from "../world/events.ts";
import { hostOf, isHandsOff, specOf, stateOf } from "./host-of.ts";
import { onItsWayMs, Since } from "./history.ts";
import type { JudgeKind } from "./judge.ts";

const cuts: readonly string[] = ["off", "cycle", "reset", "soft"];

export const s2: JudgeKind = {
  id: "S2",
  says: "no host that is detached, paused or gone is switched off or restarted",
  make(report) {
    const held = new Since(isHandsOff);
    return {
      on: {
        object: (event) => held.onObject(event),
        "power-command"(event, truth) {
          if (event.agent === undefined || !cuts.includes(event.action)) return;
          const hosts = truth.hostsOf(event.machine);
          for (const { object } of hosts) {
            const heldMs = held.heldMs(object.metadata.uid, event.atMs);
            if (heldMs > onItsWayMs)
              report(`${event.action} after ${heldMs} ms of being held`, event.machine);
          }
        },
      },
    };
  },
};

export const s15: JudgeKind = {
  id: "S15",
  says: "a BMC sees at most 2 failed logins with one password in 30 minutes",
  make(report) {
    const failures = new Map<string, number[]>();
    return {
      on: {
        login({ machine, ok, agent, passwordNumber, atMs }) {
          if (agent === undefined || ok) return;
          const key = `${machine} ${passwordNumber ?? "other"}`;
          const recent = (failures.get(key) ?? []).filter((at) => atMs - at < 30 * 60_000);
          recent.push(atMs);
          failures.set(key, recent);
          // Several wrong passwords cannot be told apart from outside: two of the workload's at most.
          const limit = passwordNumber === undefined ? 4 : 2;
          if (recent.length > limit)
            report(`${recent.length} failed logins in half an hour`, machine);
        },
      },
      atEnd(truth) {
        for (const machine of truth.machines.values()) {
          if (machine.lockedOut) report("our logins locked the BMC", machine.name);
        }
      },
    };
  },
};

export const s21: JudgeKind = {
  id: "S21",
  says: "a host with disablePowerOff is never switched off or cycled",
  make(report) {
    const fixed = new Since((object) => specOf(object).disablePowerOff === true);
    return {
      on: {
        object: (event) => fixed.onObject(event),
        "power-command"({ machine, action, agent, atMs }, truth) {
          if (agent === undefined || (action !== "off" && action !== "cycle" && action !== "soft"))
            return;
          const host = hostOf(truth, machine);
          const isFixed = host !== undefined && fixed.heldMs(host.metadata.uid, atMs) > onItsWayMs;
          if (isFixed) report(`${action}, and spec.disablePowerOff is true`, machine);
        },
      },
    };
  },
};

/** A boot that began before the host settled has ended by then. */
const settlesMs = 15_000;

export const s28: JudgeKind = {
  id: "S28",
  says: "a ramdisk runs only on a machine whose host is being worked on, or is kept ready",
  make(report) {
    const settledSince = new Map<string, { readonly state: string; readonly atMs: number }>();
    return {
      on: {
        object({ after, atMs }) {
          if (after.kind !== "BareMetalHost") return;
          const known = settledSince.get(after.metadata.uid);
          if (known?.state !== stateOf(after)) {
            settledSince.set(after.metadata.uid, { state: stateOf(after), atMs });
          }
        },
        running(event, truth) {
          if (event.running !== "ramdisk") return;
          const host = hostOf(truth, event.machine);
          // Cables may be exchanged: then its BMC is one host's, and its network card another's.
          const { macs = [] } = truth.machines.get(event.machine) ?? {};
          if (host === undefined || !macs.includes(specOf(host).bootMACAddress ?? "")) return;
          const state = stateOf(host);
          const since = settledSince.get(host.metadata.uid);
          const isOld = since !== undefined && event.atMs - since.atMs > settlesMs;
          const isInUse = state === "provisioned" || state === "externally provisioned";
          if (isInUse && isOld) {
            report(`the ramdisk runs on a host that is ${state}`, event.machine);
          }
        },
      },
    };
  },
};

/** By hand, from the states of upstream's API and what may follow each; "" is a host without a state. */
export const follows: Readonly<Record<string, readonly string[]>> = {
  "": ["unmanaged", "registering"],
  unmanaged: ["registering", "deleting", ""],
  registering: [
    "match profile",
    "inspecting",
    "preparing",
    "available",
    "externally provisioned",
    "provisioned",
    "deleting",
    "powering off before delete",
    "deprovisioning",
    "unmanaged",
  ],
  "match profile": ["preparing", "inspecting", "deleting", "powering off before delete"],
  inspecting: [
    "match profile",
    "preparing",
    "deleting",
    "powering off before delete",
    "registering",
    "externally provisioned",
  ],
  preparing: [
    "available",
    "provisioning",
    "inspecting",
    "deleting",
    "powering off before delete",
    "registering",
    "externally provisioned",
  ],
  available: [
    "preparing",
    "provisioning",
    "inspecting",
    "externally provisioned",
    "deleting",
    "powering off before delete",
    "registering",
  ],
  provisioning: [
    "provisioned",
    "deprovisioning",
    "deleting",
    "powering off before delete",
    "externally provisioned",
    "registering",
  ],
  provisioned: [
    "deprovisioning",
    "externally provisioned",
    "deleting",
    "powering off before delete",
    "registering",
  ],
  "externally provisioned": [
    "provisioned",
    "deprovisioning",
    "inspecting",
    "deleting",
    "powering off before delete",
    "registering",
    "available",
    "preparing",
  ],
  deprovisioning: [
    "available",
    "preparing",
    "deleting",
    "powering off before delete",
    "registering",
    "externally provisioned",
  ],
  "powering off before delete": ["deleting", ""],
  deleting: [""],
};

/** One state between may have been left out: its status was overtaken while it could not be written. */
function mayFollow(from: string, to: string): boolean {
  const next = follows[from] ?? [];
  return next.includes(to) || next.some((between) => follows[between]?.includes(to) === true);
}

export const s38: JudgeKind = {
  id: "S38",
  says: "a host's state is followed only by a state that may follow it",
  make: (report) => ({
    on: {
      object({ before, after, by, verb }, truth) {
        if (after.kind !== "BareMetalHost" || verb === "gone" || by !== "farrier") return;
        const [from, to] = [stateOf(before), stateOf(after)];
        if (from === to || mayFollow(from, to)) return;
        const machine = [...truth.machines.keys()].find((name) =>
          truth.hostsOf(name).some(({ object }) => object.metadata.uid === after.metadata.uid),
        );
        report(`${from || "no state"} → ${to || "no state"}`, machine);
      },
    },
  }),
};

export const s26: JudgeKind = {
  id: "S26",
  says: "of two agents with one identity only one acts within a minute",
  make(report) {
    const last = new Map<string, { readonly agent: string; readonly atMs: number }>();
    const started = new Map<string, number>();
    const act = ({
      machine,
      agent,
      atMs,
    }: Extract<WorldEvent, { readonly kind: "power-command" }>) => {
      if (agent === undefined) return;
      const site = agent.split("#")[0] ?? agent;
      const known = last.get(site);
      const isOther = known !== undefined && known.agent !== agent;
      // What the other did before this one was there is nothing to it.
      const wereTwo = isOther && known.atMs >= (started.get(agent) ?? -Infinity);
      if (wereTwo && atMs - known.atMs < 10_000) {
        report(`${known.agent} and ${agent} switched within ${atMs - known.atMs} ms`, machine);
      }
      last.set(site, { agent, atMs });
    };
    return {
      on: {
        started: ({ process, atMs }) => void started.set(process, atMs),
        "power-command": act,
      },
    };
  },
};

export const s14: JudgeKind = {
  id: "S14",
  says: "no secret is in a log, status, URL or frame in the clear",
  make: (report) => ({
    on: { leak: ({ sink, text }) => report(`in a ${sink}: ${text.slice(0, 80)}`) },
  }),
};
