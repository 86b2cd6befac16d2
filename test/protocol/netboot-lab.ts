// A lab with the agent's boot network on its bridge, and hosts on that bridge for clients that are
// programs: a network namespace each, with one Ethernet port.

import { once } from "node:events";
import { readFileSync } from "node:fs";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { LabProcess } from "../../infra/lab/lab-programs.ts";
import type { MachineSpec } from "../../infra/lab/machine/machine-spec.ts";
import { biosMachine } from "../../infra/lab/sample-machines.ts";
import { startLab } from "../../infra/lab/start-lab.ts";
import type { LabHandle } from "../../infra/lab/start-lab.ts";
import { ensureDebianPackages } from "../../infra/preparation/debian-packages.ts";
import { terminalProgress } from "../../infra/preparation/progress.ts";
import type { ProgramResult } from "../../infra/preparation/run-program.ts";
import type { NetbootConfig } from "../../site-agent/netboot/netboot-config.ts";
import type { BootSighting, NetbootEntry } from "../../site-agent/netboot/port.ts";
import type { NetbootCall } from "./netboot-program.ts";

export interface NetbootLab {
  readonly lab: LabHandle;
  readonly config: NetbootConfig;
  allow(entry: Partial<NetbootEntry> & Pick<NetbootEntry, "mac">): Promise<void>;
  withdraw(mac: string): Promise<void>;
  sightings(mac: string): Promise<readonly BootSighting[]>;
  strangers(): Promise<readonly string[]>;
  /** What the boot network logged so far. */
  logged(): string;
  addHost(mac: string): Promise<ClientHost>;
  stop(): Promise<void>;
}

export interface ClientHost {
  readonly mac: string;
  /** Its port is `eth0`. */
  run(...argv: string[]): Promise<ProgramResult>;
  spawn(...argv: string[]): LabProcess;
}

export interface NetbootLabOptions {
  readonly packages: readonly string[];
  readonly machines?: readonly MachineSpec[];
  readonly config?: Partial<NetbootConfig>;
}

export async function startNetbootLab(options: NetbootLabOptions): Promise<NetbootLab> {
  // A lab has one machine at least; it stays off where programs are the clients.
  const { packages, machines = [biosMachine(1)] } = options;
  const progress = terminalProgress();
  await ensureDebianPackages([...packages, "ipxe", "iproute2"], progress);
  const directory = await mkdtemp(join(tmpdir(), "farrier-netboot-"));
  const lab = await startLab({ name: "netboot", directory, progress, machines });
  // A connection to a machine that was switched off would keep the lab's namespace for minutes.
  await lab.run(["sysctl", "--quiet", "--write", "net.ipv4.tcp_orphan_retries=1"]);
  const config = await writeBootFiles(directory, lab.siteAddress, options.config);
  const configPath = join(directory, "netboot.json");
  const socketPath = join(directory, "netboot.socket");
  await writeFile(configPath, JSON.stringify(config));
  const program = join(import.meta.dirname, "netboot-program.ts");
  const logFile = join(directory, "netboot.log");
  const server = lab.spawn([process.execPath, program, configPath, socketPath], { logFile });
  let ended = false;
  void server.exited.then(() => {
    ended = true;
  });
  const logged = (): string => readFileSync(logFile, "utf8");
  await until(logged, (text) => {
    if (ended) throw new Error(text);
    return text.includes("ready\n");
  });
  const call = (body: NetbootCall): Promise<unknown> => post(socketPath, body);
  let hosts = 0;
  return {
    lab,
    config,
    logged,
    async allow(entry) {
      const base = { hostUid: "host", operationId: "operation", kernelParameters: [] };
      await call({ call: "allow", entry: { ...base, ...entry } });
    },
    async withdraw(mac) {
      await call({ call: "withdraw", mac });
    },
    sightings: async (mac) => (await call({ call: "sightings", mac })) as BootSighting[],
    strangers: async () => (await call({ call: "strangers" })) as string[],
    addHost(mac) {
      hosts += 1;
      return addHost(lab, mac, hosts);
    },
    async stop() {
      await lab.stop();
      await rm(directory, { recursive: true });
    },
  };
}

/** Asks again until the answer is right; the last wrong answer is in the failure. */
export async function until<T>(
  ask: () => T | Promise<T>,
  isRight: (answer: T) => boolean,
  timeoutMs = 30_000,
): Promise<T> {
  const deadline = Date.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    if (Date.now() > deadline) {
      throw new Error(`Still ${JSON.stringify(answer)} after ${timeoutMs / 1000} s`);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function writeBootFiles(
  directory: string,
  address: string,
  changes: Partial<NetbootConfig> = {},
): Promise<NetbootConfig> {
  for (const name of ["undionly.kpxe", "snponly.efi"]) {
    await copyFile(`/usr/lib/ipxe/${name}`, join(directory, name));
  }
  await writeFile(join(directory, "kernel"), "no kernel");
  await writeFile(join(directory, "initrd"), "no initrd");
  return {
    address,
    prefixLength: 24,
    rangeFrom: address.replace(/\d+$/, "100"),
    rangeTo: address.replace(/\d+$/, "110"),
    httpPort: 8080,
    bootFiles: { bios: join(directory, "undionly.kpxe"), uefi: join(directory, "snponly.efi") },
    kernelPath: join(directory, "kernel"),
    initrdPaths: [join(directory, "initrd")],
    ...changes,
  };
}

async function post(socketPath: string, body: NetbootCall): Promise<unknown> {
  const sent = request({ socketPath, method: "POST" });
  sent.end(JSON.stringify(body));
  const [response] = (await once(sent, "response")) as [NodeJS.ReadableStream];
  let text = "";
  for await (const part of response) text += String(part);
  return JSON.parse(text);
}

async function addHost(lab: LabHandle, mac: string, number: number): Promise<ClientHost> {
  // The namespace lives as long as its first process; its number is the lab's, not ours.
  const holder = lab.spawn(["unshare", "--net", "sh", "-c", "echo $$; exec sleep 1000000"]);
  if (holder.stdout === null) throw new Error("no output");
  const { value: pid = "" } = await createInterface({ input: holder.stdout })
    [Symbol.asyncIterator]()
    .next();
  const port = `host${number}`;
  const commands = [
    `link add ${port} type veth peer name eth0 address ${mac} netns ${pid}`,
    `link set ${port} master ${lab.bridge} up`,
  ];
  const linked = await lab.run(["ip", "-batch", "-"], { input: `${commands.join("\n")}\n` });
  if (linked.code !== 0) throw new Error(linked.stderr);
  const inside = (argv: readonly string[]): string[] => {
    return ["nsenter", "--target", pid, "--net", "--", ...argv];
  };
  const up = await lab.run(inside(["ip", "link", "set", "eth0", "up"]));
  if (up.code !== 0) throw new Error(up.stderr);
  return {
    mac,
    run: (...argv) => lab.run(inside(argv)),
    spawn: (...argv) => lab.spawn(inside(argv)),
  };
}
