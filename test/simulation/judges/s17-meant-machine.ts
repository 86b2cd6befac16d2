// S17: what is meant for one machine is given to no other, and only while it is meant.
import type { WorldEvent } from "../world/events.ts";
import type { Truth } from "../world/truth.ts";
import { bootsFrom } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { partsOfOperation } from "./operations.ts";

type Message = Extract<WorldEvent, { readonly kind: "ramdisk-message" }>;

/** What was asked for in time may be answered a little later. */
const askedBeforeMs = 30_000;

export const s17: JudgeKind = {
  id: "S17",
  says: "boot files, images and user data go only to the machine they are for, images only while it writes",
  make(report) {
    /** Until when each machine may be given an image. */
    const writingMs = new Map<string, number>();
    const ends = (machine: string, atMs: number): void => {
      if (writingMs.get(machine) === Infinity) writingMs.set(machine, atMs + askedBeforeMs);
    };
    return {
      on: {
        "ramdisk-message"(event, truth) {
          const { machine, direction, type, step, atMs } = event;
          if (direction === "to ramdisk" && type === "run" && step === "write") {
            writingMs.set(machine, Infinity);
            if (isAstray(event, truth))
              report("user data were sent to a machine they are not for", machine);
          } else if (type === "run" || type === "done" || type === "failed") {
            ends(machine, atMs);
          }
        },
        running: ({ machine, atMs }) => ends(machine, atMs),
        served({ machine, client, path, status, atMs }, truth) {
          if (status >= 300) return;
          if (machine === undefined) return report(`${path} was given to a stranger at ${client}`);
          if (path.startsWith("/extents") && (writingMs.get(machine) ?? 0) < atMs) {
            report("it was given an image, and is to write none", machine);
          }
          const mac = /^\/boot\/([0-9a-f-]+)\//.exec(path)?.[1]?.replaceAll("-", ":");
          if (mac === undefined || truth.machines.get(machine)?.macs.includes(mac) === true) return;
          report(`it was given ${path}`, machine);
        },
      },
    };
  },
};

function isAstray({ machine, operationId = "", userDataOf }: Message, truth: Truth): boolean {
  const host = hostBy(truth, partsOfOperation(operationId).hostUid);
  if (userDataOf === undefined || host === undefined) return false;
  const isIts = bootsFrom(host, truth.machines.get(machine));
  return host.metadata.name !== userDataOf || !isIts;
}

function hostBy(truth: Truth, uid: string) {
  for (const cluster of truth.clusters) {
    for (const object of truth.objects(cluster).values()) {
      if (object.metadata.uid === uid) return object;
    }
  }
  return undefined;
}
