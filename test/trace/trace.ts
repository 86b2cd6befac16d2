// npm run trace -- FILE.yaml: the eight hops of one kubectl apply, in one process and virtual time.
import { readFileSync } from "node:fs";
import { err } from "../../shared/result.ts";
import { printTrace } from "./print-trace.ts";
import { runTrace } from "./run-trace.ts";
import { readTraceInput } from "./trace-input.ts";

const usage = `npm run trace -- FILE.yaml

Plays what FILE.yaml asks for, a BareMetalHost and its Secrets, from kubectl to the machine and back: the real
control plane, agent and ramdisk program, in one process with a machine in memory, and prints the eight hops.
An example: test/trace/examples/m1.yaml`;

const [path] = process.argv.slice(2);
const isHelp = path === undefined || path === "--help";
const input = isHelp ? err("input", usage) : readTraceInput(readText(path));
if (input.ok) {
  console.log(printTrace(await runTrace(input.value)));
} else {
  console.error(input.error.message);
  process.exitCode = path === "--help" ? 0 : 1;
}

function readText(file: string): string {
  return readFileSync(file, "utf8");
}
