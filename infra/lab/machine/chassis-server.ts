// The chassis-control contract: how a BMC moves its machine. One unix socket per machine; one
// request per connection, a line of words; the answer is lines, the last one "ok" or "error: …".
// It is what `ipmi_sim` calls its chassis_control program with, and a few words more.
//
//   get power                                   power:0 | power:1
//   get boot                                    boot:none|pxe|disk|cdrom|bios, persistent:0|1, efi:0|1
//   get media                                   media:PATH, or nothing when the drive is empty
//   set power 1 | set power 0                   on; off at once (answers when it is off)
//   set reset 1                                 restart the firmware (nothing when off)
//   set cycle 1                                 off and on again (on when off)
//   set shutdown 1                              press the power button (ACPI)
//   set boot none|pxe|disk|cdrom|bios [persistent] [efi]
//   set media PATH | set media none             for a virtual CD; used when the firmware starts next
//   set identify …                              accepted, does nothing
//
// "default" is ipmi_sim's word for disk. A one-time boot device is used up when the firmware starts.

import { rmSync } from "node:fs";
import { createServer } from "node:net";
import type { Socket } from "node:net";
import type { BootDevice } from "./machine-spec.ts";
import type { Machine } from "./machine.ts";

/** Listens on the machine's chassis socket until the process ends. */
export async function serveChassis(machine: Machine): Promise<void> {
  // One request after the other, as they came: a machine has one power button.
  let last: Promise<unknown> = Promise.resolve();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    void readRequest(socket).then((words) => {
      last = last.then(async () => socket.end(`${(await answer(machine, words)).join("\n")}\n`));
    });
  });
  rmSync(machine.paths.chassisSocket, { force: true });
  await new Promise<void>((resolve) => server.listen(machine.paths.chassisSocket, resolve));
}

function readRequest(socket: Socket): Promise<string[]> {
  return new Promise((resolve) => {
    let text = "";
    socket.setEncoding("utf8");
    socket.on("error", () => resolve([]));
    socket.on("data", (part: string) => {
      text += part;
      const end = text.indexOf("\n");
      if (end >= 0) resolve(text.slice(0, end).split(" "));
    });
  });
}

async function answer(machine: Machine, words: readonly string[]): Promise<string[]> {
  const [verb = "", noun = "", ...rest] = words;
  const action = actions.get(`${verb} ${noun}`);
  const lines = action === undefined ? undefined : await action(machine, rest);
  return lines === undefined ? [`error: cannot "${words.join(" ")}"`] : [...lines, "ok"];
}

/** Lines to answer with; undefined when the values make no sense. */
type Action = (
  machine: Machine,
  values: readonly string[],
) => Promise<string[] | undefined> | string[] | undefined;

const actions = new Map<string, Action>([
  ["get power", (machine) => [`power:${machine.isOn ? 1 : 0}`]],
  ["get boot", getBoot],
  ["get media", ({ mediaPath }) => (mediaPath === undefined ? [] : [`media:${mediaPath}`])],
  ["set power", setPower],
  ["set boot", setBoot],
  [
    "set reset",
    async (machine) => {
      await machine.reset();
      return [];
    },
  ],
  [
    "set cycle",
    async (machine) => {
      await machine.powerOff();
      machine.powerOn();
      return [];
    },
  ],
  [
    "set shutdown",
    (machine) => {
      machine.pressPowerButton();
      return [];
    },
  ],
  [
    "set media",
    (machine, values) => {
      const path = values.join(" ");
      machine.setMedia(path === "none" ? undefined : path);
      return [];
    },
  ],
  ["set identify", () => []],
]);

async function setPower(
  machine: Machine,
  [value]: readonly string[],
): Promise<string[] | undefined> {
  if (value === "0") await machine.powerOff();
  else if (value === "1") machine.powerOn();
  else return undefined;
  return [];
}

function getBoot({ bootOverride }: Machine): string[] {
  if (bootOverride === undefined) return ["boot:none", "persistent:0", "efi:0"];
  const { device, persistent, efi } = bootOverride;
  return [`boot:${device}`, `persistent:${persistent ? 1 : 0}`, `efi:${efi ? 1 : 0}`];
}

const bootWords: Readonly<Record<string, BootDevice>> = {
  pxe: "pxe",
  disk: "disk",
  default: "disk",
  cdrom: "cdrom",
  bios: "bios",
};

function setBoot(machine: Machine, [word = "", ...flags]: readonly string[]): string[] | undefined {
  const device = bootWords[word];
  if (device === undefined && word !== "none") return undefined;
  machine.setBootOverride(
    device === undefined
      ? undefined
      : { device, persistent: flags.includes("persistent"), efi: flags.includes("efi") },
  );
  return [];
}
