// A program that owns a lab with one machine switched on, for tests that kill it: prints one line of
// JSON and waits. `node lab-owner.ts DIRECTORY`

import { argv } from "node:process";
import { silentProgress } from "../../infra/preparation/progress.ts";
import { biosMachine } from "../../infra/lab/sample-machines.ts";
import { startLab } from "../../infra/lab/start-lab.ts";

const [, , directory = ""] = argv;
const machines = [biosMachine(1)];
const lab = await startLab({ name: "owned", directory, progress: silentProgress, machines });
await lab.machine("m1").chassis("set", "power", "1");
const facts = { initPid: lab.initPid, wanInterface: lab.wan.interfaceName };
process.stdout.write(`${JSON.stringify(facts)}\n`);
setInterval(() => {}, 1_000_000);
