// The agent of a test fleet: the real program inside the lab's namespaces. Its boot files are empty: no machine
// ever boots from them.
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { LabProcess } from "../../infra/lab/lab-programs.ts";
import type { LabHandle } from "../../infra/lab/start-lab.ts";
import type { Hub } from "../../infra/paddock/hub.ts";
import type { ProgramResult } from "../../infra/preparation/run-program.ts";

const program = new URL("../../site-agent/main.ts", import.meta.url).pathname;

export interface FleetAgent {
  readonly logFile: string;
  /** What its configuration file says. */
  readonly config: Readonly<Record<string, unknown>>;
  start(): void;
  /** kill -9, at once. */
  kill(): Promise<void>;
  stop(): Promise<void>;
  /** What it enrols with at its next start. */
  writeToken(token: string): Promise<void>;
  readToken(): Promise<string>;
  /** Runs the program to its end with what it must refuse: a configuration file's text. */
  tryConfig(name: string, text: string): Promise<ProgramResult>;
}

export async function makeAgent(parts: {
  readonly directory: string;
  readonly lab: LabHandle;
  readonly hub: Hub;
  readonly kubeconfig: string;
  readonly openShift: boolean;
}): Promise<FleetAgent> {
  const { directory, lab, hub, kubeconfig, openShift } = parts;
  await mkdir(join(directory, "boot"), { recursive: true });
  const bootFile = async (name: string) => {
    const path = join(directory, "boot", name);
    await writeFile(path, "");
    return path;
  };
  const enrolTokenFile = join(directory, "enrol-token");
  const config = {
    hub: { url: hub.a.url, feedUrl: hub.b.url },
    enrolTokenFile,
    stateDirectory: join(directory, "agent"),
    site: {
      address: lab.siteAddress,
      prefixLength: 24,
      rangeFrom: lab.siteAddress.replace(/\d+$/, "20"),
      rangeTo: lab.siteAddress.replace(/\d+$/, "250"),
      interface: lab.bridge,
      bootLoaderBios: await bootFile("undionly.kpxe"),
      bootLoaderUefi: await bootFile("snponly.efi"),
      kernel: await bootFile("vmlinuz"),
      initrds: [await bootFile("initrd")],
      powerSeconds: 10,
      softPowerOffSeconds: 5,
    },
    cluster: {
      kubeconfig,
      conversion: { host: lab.labAddress },
      ...(openShift ? { openShift: "machines-and-machinesets" } : {}),
    },
  };
  const configFile = join(directory, "agent.json");
  await writeFile(configFile, JSON.stringify(config, undefined, 2));
  const logFile = join(directory, "agent.log");
  const argv = (file: string) => [process.execPath, program, "--config", file];
  let running: LabProcess | undefined;
  return {
    logFile,
    config,
    start() {
      running = lab.spawn(argv(configFile), { logFile, env: { KUBECONFIG: undefined } });
    },
    kill: async () => await running?.kill(),
    async stop() {
      await running?.signal("SIGTERM");
      await running?.exited;
    },
    writeToken: (token) => writeFile(enrolTokenFile, token, { mode: 0o600 }),
    readToken: () => readFile(enrolTokenFile, "utf8"),
    async tryConfig(name, text) {
      const file = join(directory, name);
      await writeFile(file, text);
      return await lab.run(argv(file), { timeoutMs: 30_000 });
    },
  };
}
