// S28: the boot network starts the ramdisk only where there is work for it.
import { bootsFrom, hostOf, stateOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";

/** A boot that began before the host settled has ended by then. */
const settlesMs = 15_000;

export const s28: JudgeKind = {
  id: "S28",
  says: "a ramdisk runs only on a machine whose host is being worked on, or is kept ready",
  make(report) {
    /** When each machine began to boot: work that was given up as its host became somebody's goes on booting. */
    const begunMs = new Map<string, number>();
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
          if (event.running === "firmware") begunMs.set(event.machine, event.atMs);
          if (event.running !== "ramdisk") return;
          const host = hostOf(truth, event.machine);
          if (host === undefined || !bootsFrom(host, truth.machines.get(event.machine))) return;
          const state = stateOf(host);
          const since = settledSince.get(host.metadata.uid);
          const isExternal = state === "externally provisioned";
          const atMs = isExternal ? (begunMs.get(event.machine) ?? event.atMs) : event.atMs;
          const isOld = since !== undefined && atMs - since.atMs > settlesMs;
          if ((state === "provisioned" || isExternal) && isOld) {
            report(`the ramdisk runs on a host that is ${state}`, event.machine);
          }
        },
      },
    };
  },
};
