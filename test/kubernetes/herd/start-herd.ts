// Gives a lab machines without QEMU: some fifty of them in one program, with a network of their own that is plugged
// into the site's bridge. Their BMCs, their boots and what is written to their disks are as real as the agent can tell.
import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { LabHandle } from "../../../infra/lab/start-lab.ts";
import { startSiteServices } from "../../../infra/paddock/site-services.ts";
import type { BareMetalHostSpec } from "../../../shared/metal3/bare-metal-host.ts";
import { makeGptImage } from "../../support/gpt-image.ts";
import type { MachineEventKind } from "../../support/simulated-machine.ts";
import { bmcPassword, bmcUser } from "../bmcs.ts";
import { hostObject, secretObject } from "../objects.ts";
import { herdInterface, type HerdMachine, type HerdPlan } from "./herd-plan.ts";

const program = new URL("herd-program.ts", import.meta.url).pathname;
const firstBmcPort = 6231;

export interface HerdEvent {
  readonly machine: string;
  readonly kind: MachineEventKind;
  readonly detail: string;
}

export interface Herd {
  readonly machines: readonly HerdMachine[];
  /** A small image that boots on them, as a Metal3Machine or a host spells it but for its format. */
  readonly image: {
    readonly url: string;
    readonly checksum: string;
    readonly checksumType: "sha256";
  };
  /** The Secret and the host of a machine. */
  objects(machine: HerdMachine, spec?: Partial<BareMetalHostSpec>): object[];
  /** What happened to a machine so far. */
  events(name: string): Promise<readonly HerdEvent[]>;
}

/** Machines h1, h2 … ; they end with the lab. */
export async function startHerd(lab: LabHandle, count: number): Promise<Herd> {
  const directory = join(lab.directory, "herd");
  await mkdir(join(directory, "images"), { recursive: true });
  const image = makeGptImage();
  await writeFile(join(directory, "images", "herd.raw"), image);
  const services = await startSiteServices(lab, join(directory, "images"));
  const plan: HerdPlan = {
    address: lab.siteAddress.replace(/\d+$/, "2"),
    prefixLength: 24,
    user: { name: bmcUser, password: bmcPassword },
    machines: Array.from({ length: count }, (_none, index) => describeMachine(index + 1)),
  };
  const planFile = join(directory, "plan.json");
  await writeFile(planFile, JSON.stringify(plan), { mode: 0o600 });
  const logFile = join(directory, "herd.log");
  const started = lab.spawn(["unshare", "--net", process.execPath, program, planFile], { logFile });
  let hasEnded = false;
  void started.exited.then(() => {
    hasEnded = true;
  });
  const lines = async () =>
    (await readFile(logFile, "utf8").catch(() => ""))
      .split("\n")
      .flatMap((line) =>
        line.startsWith("{") && line.endsWith("}") ? [JSON.parse(line) as object] : [],
      );
  const until = async (key: string): Promise<unknown> => {
    for (;;) {
      const found = (await lines()).find((line) => key in line);
      if (found !== undefined) return (found as Record<string, unknown>)[key];
      if (hasEnded) throw new Error(`The herd has ended: ${await readFile(logFile, "utf8")}`);
      await sleep(20);
    }
  };
  await plugIn(lab, String(await until("pid")));
  await until("ready");
  return {
    machines: plan.machines,
    image: {
      url: services.imageUrl("herd.raw"),
      checksum: createHash("sha256").update(image).digest("hex"),
      checksumType: "sha256",
    },
    objects({ name, mac, bmcPort }, spec = {}) {
      const bmc = { address: `ipmi://${plan.address}:${bmcPort}`, credentialsName: name };
      return [
        secretObject(name),
        hostObject(name, { online: true, bootMACAddress: mac, bmc, ...spec }),
      ];
    },
    events: async (name) =>
      (await lines()).filter(
        (line): line is HerdEvent => "machine" in line && line.machine === name,
      ),
  };
}

function describeMachine(number: number): HerdMachine {
  const digits = number.toString(16).padStart(2, "0");
  return {
    name: `h${number}`,
    mac: `52:54:00:fa:01:${digits}`,
    uuid: `6fa59e1e-0000-4000-8000-0000000001${digits}`,
    bmcPort: firstBmcPort - 1 + number,
  };
}

async function plugIn(lab: LabHandle, pid: string): Promise<void> {
  const pair = ["link", "add", "herd", "type", "veth"];
  const peer = ["peer", "name", herdInterface, "netns", pid];
  for (const args of [
    [...pair, ...peer],
    ["link", "set", "herd", "master", lab.bridge, "up"],
  ]) {
    const { code, stderr } = await lab.run(["ip", ...args]);
    if (code !== 0) throw new Error(`The herd has no network: ${stderr}`);
  }
}
