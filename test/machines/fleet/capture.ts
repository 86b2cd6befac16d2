// Packets on the site's bridge, taken and read by tcpdump.
import { stat } from "node:fs/promises";
import { ensureDebianPackages } from "../../../infra/preparation/debian-packages.ts";
import { silentProgress } from "../../../infra/preparation/progress.ts";
import { runProgram } from "../../../infra/preparation/run-program.ts";
import type { LabHandle } from "../../../infra/lab/start-lab.ts";
import { until } from "./until.ts";

export interface Capture {
  readonly path: string;
  stop(): Promise<void>;
}

/** @param filter in tcpdump's words; "" for everything */
export async function startCapture(lab: LabHandle, path: string, filter: string): Promise<Capture> {
  await ensureDebianPackages(["tcpdump"], silentProgress);
  const options = ["-i", lab.bridge, "-U", "--relinquish-privileges=root", "-w", path];
  const program = lab.spawn(["tcpdump", ...options, ...(filter === "" ? [] : [filter])], {
    logFile: `${path}.log`,
  });
  // Its file has a header once it listens.
  const size = () =>
    stat(path).then(
      ({ size: bytes }) => bytes,
      () => 0,
    );
  await until({ fact: "tcpdump listens", seconds: 20 }, size, (bytes) => bytes > 0);
  return {
    path,
    async stop() {
      await program.signal("SIGINT");
      await program.exited;
    },
  };
}

/** What tcpdump says of the packets that fit the filter, a text for each. */
export async function readCapture(path: string, filter: string): Promise<readonly string[]> {
  const { stdout } = await runProgram("tcpdump", ["-n", "-e", "-v", "-r", path, filter]);
  // A packet's further lines are indented.
  return stdout.split(/\n(?!\s)/).filter((text) => text !== "");
}
