// The program that holds all machines of a lab: `node machine-room.ts ROOM.json`. It runs inside
// the lab's namespaces and ends with them; the chassis sockets are its only interface.

import { readFile } from "node:fs/promises";
import { argv } from "node:process";
import { serveChassis } from "./chassis-server.ts";
import type { MachinePaths, MachineSpec } from "./machine-spec.ts";
import { Machine } from "./machine.ts";

export interface Room {
  readonly machines: readonly { readonly spec: MachineSpec; readonly paths: MachinePaths }[];
}

const [, , roomPath = ""] = argv;
const room = JSON.parse(await readFile(roomPath, "utf8")) as Room;
await Promise.all(room.machines.map(({ spec, paths }) => serveChassis(new Machine(spec, paths))));
