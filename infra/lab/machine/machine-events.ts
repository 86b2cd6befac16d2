// The outside witness of what was done to a machine: every power change, boot device and start of
// the firmware, with its time, appended to a file that tests read. The machine itself and what
// manages it know nothing of this file.

import { appendFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import type { BootDevice } from "./machine-spec.ts";

/** Why the firmware started. */
export type StartCause = "power-on" | "bmc-reset" | "guest-reset";

export type MachineEvent = { readonly at: string } & (
  | { readonly event: "power-on-requested" }
  | { readonly event: "power-off-requested" }
  | { readonly event: "reset-requested" }
  | { readonly event: "soft-off-requested" }
  | {
      readonly event: "boot-device-set";
      readonly device: BootDevice | "none";
      readonly persistent: boolean;
      readonly efi: boolean;
    }
  | { readonly event: "media-set"; readonly path: string | null }
  | {
      readonly event: "started";
      readonly cause: StartCause;
      /** What the firmware tries, in this order. */
      readonly order: readonly BootDevice[];
      /** The override that made the order, or null: the machine's own. */
      readonly override: BootDevice | null;
    }
  | {
      readonly event: "stopped";
      /** "guest-reset" is followed by a start. */
      readonly cause: "bmc" | "guest-shutdown" | "guest-reset" | "failed";
      readonly message?: string;
    }
);

export type MachineEventBody = MachineEvent extends infer E
  ? E extends MachineEvent
    ? Omit<E, "at">
    : never
  : never;

/** Appends at once, in one write: a reader sees whole lines in the order of what happened. */
export function appendMachineEvent(journal: string, body: MachineEventBody): void {
  appendFileSync(journal, `${JSON.stringify({ at: new Date().toISOString(), ...body })}\n`);
}

/** All events so far, oldest first; none if nothing ever happened to the machine. */
export async function readMachineEvents(journal: string): Promise<MachineEvent[]> {
  const text = await readFile(journal, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return "";
    throw cause;
  });
  return text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as MachineEvent);
}
