// The lab itself: that its parts answer to outside judges (ipmitool), that its WAN can be cut, and
// that kill -9 of any of its owners leaves nothing on this machine.

import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest";
import { biosMachine, uefiMachine } from "../../infra/lab/sample-machines.ts";
import { startLab } from "../../infra/lab/start-lab.ts";
import type { LabHandle } from "../../infra/lab/start-lab.ts";
import { ensureDebianPackages } from "../../infra/preparation/debian-packages.ts";
import { terminalProgress } from "../../infra/preparation/progress.ts";

const progress = terminalProgress();
const directories: string[] = [];

function newDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "farrier-lab-"));
  directories.push(directory);
  return directory;
}

afterAll(() => {
  for (const directory of directories) rmSync(directory, { recursive: true, force: true });
});

/** Asks again until the answer is right; the last wrong answer is in the failure. */
async function until<T>(ask: () => T | Promise<T>, isRight: (answer: T) => boolean): Promise<T> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const answer = await ask();
    if (isRight(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`Still ${JSON.stringify(answer)} after 30 s`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

describe("a lab with a BIOS machine behind ipmi_sim", () => {
  let lab: LabHandle;
  beforeAll(async () => {
    await ensureDebianPackages(["ipmitool"], progress);
    lab = await startLab({
      name: "site",
      directory: newDirectory(),
      progress,
      machines: [biosMachine(1)],
    });
  });
  afterAll(async () => {
    await lab.stop();
  });

  async function ipmitool(...words: string[]): Promise<string> {
    const { address, username, password } = lab.machine("m1").spec.bmc;
    const login = ["-I", "lanplus", "-C", "3", "-H", address, "-U", username, "-E"];
    const result = await lab.run(["ipmitool", ...login, ...words], {
      env: { IPMI_PASSWORD: password },
    });
    expect(result.code, result.stderr).toBe(0);
    return result.stdout.trim();
  }

  test("a machine boots the network once when ipmitool asks for PXE and resets it later", async () => {
    expect(await ipmitool("power", "status")).toBe("Chassis Power is off");
    await ipmitool("chassis", "bootdev", "pxe");
    await ipmitool("power", "on");
    expect(await ipmitool("power", "status")).toBe("Chassis Power is on");
    const m1 = lab.machine("m1");
    await until(
      () => (existsSync(m1.paths.serialLog) ? readFileSync(m1.paths.serialLog, "utf8") : ""),
      (text) => text.includes("iPXE initialising devices"),
    );
    await ipmitool("power", "reset");
    await ipmitool("power", "off");
    expect(await ipmitool("power", "status")).toBe("Chassis Power is off");

    const starts = (await m1.events()).filter((event) => event.event === "started");
    expect(starts).toMatchObject([
      { cause: "power-on", order: ["pxe", "disk"], override: "pxe" },
      { cause: "bmc-reset", order: ["disk", "pxe"], override: null },
    ]);
  });

  test("programs inside reach the hub until the WAN is cut and again when it is healed", async () => {
    const server = createServer((socket) => socket.end("hello"));
    await new Promise<void>((resolve) => server.listen(0, lab.hubAddress, resolve));
    onTestFinished(() => void server.close());
    const address = server.address();
    if (address === null || typeof address === "string") throw new Error("no port");
    const port = String(address.port);
    const ask = async (): Promise<string> =>
      (await lab.run(["nc", "-N", "-w", "1", lab.hubAddress, port])).stdout;

    expect(await ask()).toBe("hello");
    await lab.cutWan();
    expect(await ask()).toBe("");
    await lab.healWan();
    expect(await ask()).toBe("hello");
  });

  test("a second lab has the same site and another WAN when two run side by side", async () => {
    const machines = [uefiMachine(1)];
    const options = { name: "second", directory: newDirectory(), progress, machines };
    const second = await startLab(options);
    onTestFinished(() => second.stop());
    expect(second.siteAddress).toBe(lab.siteAddress);
    expect(second.hubAddress).not.toBe(lab.hubAddress);

    const { address, username, password } = second.machine("m1").spec.bmc;
    // Suite 17 tells the simulator from the other lab's ipmi_sim, which is at the same address.
    const login = ["-I", "lanplus", "-C", "17", "-H", address, "-U", username, "-E"];
    const { stdout } = await second.run(["ipmitool", ...login, "power", "status"], {
      env: { IPMI_PASSWORD: password },
    });
    expect(stdout.trim()).toBe("Chassis Power is off");
  });

  test("a program inside gets the signal when its process is signalled, and its code comes back", async () => {
    const script = "trap 'echo bye; exit 7' TERM; echo up; while :; do sleep 0.05; done";
    const program = lab.spawn(["sh", "-c", script]);
    let said = "";
    program.stdout?.on("data", (part: Buffer) => {
      said += part.toString();
    });
    await until(
      () => said,
      (text) => text === "up\n",
    );
    await program.signal("SIGTERM");
    expect((await program.exited).code).toBe(7);
    expect(said).toBe("up\nbye\n");
  });
});

describe("kill -9 leaves nothing", () => {
  interface Owned {
    readonly owner: number;
    readonly unshare: number;
    readonly init: number;
    readonly namespaces: readonly string[];
    readonly wanInterface: string;
  }

  async function startOwned(): Promise<Owned> {
    const directory = newDirectory();
    const program = join(import.meta.dirname, "lab-owner.ts");
    const child = spawn(process.execPath, [program, directory], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    onTestFinished(() => void child.kill("SIGKILL"));
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { value: line } = await lines.next();
    const facts = JSON.parse(line ?? "") as { initPid: number; wanInterface: string };
    const namespaces = ["net", "mnt", "pid"].map((kind) =>
      readlinkSync(`/proc/${facts.initPid}/ns/${kind}`),
    );
    return {
      owner: child.pid ?? 0,
      unshare: parentOf(facts.initPid),
      init: facts.initPid,
      namespaces,
      wanInterface: facts.wanInterface,
    };
  }

  test.for(["owner", "unshare", "init"] as const)("when the %s is killed", async (victim) => {
    const owned = await startOwned();
    // Without these the rest would prove nothing; QEMU may still be on its way through setpriv.
    const running = (program: string): number =>
      processesIn(owned.namespaces).filter((pid) => commandOf(pid).startsWith(program)).length;
    expect(
      await until(
        () => running("qemu-system"),
        (count) => count > 0,
      ),
    ).toBe(1);
    expect(running("ipmi_sim ")).toBe(1);
    expect(existsSync(`/sys/class/net/${owned.wanInterface}`)).toBe(true);

    process.kill(owned[victim], "SIGKILL");

    expect(await until(() => processesIn(owned.namespaces), isEmpty)).toEqual([]);
    // Its other end is in the lab's namespace: when it is gone, so are namespace, bridge and taps.
    const interfaces = (): string[] =>
      readdirSync("/sys/class/net").filter((name) => name === owned.wanInterface);
    expect(await until(interfaces, isEmpty)).toEqual([]);
    expect(readFileSync("/proc/self/mountinfo", "utf8")).not.toContain("farrier-lab-");
    expect(execFileSync("ip", ["netns", "list"], { encoding: "utf8" })).toBe("");
  });
});

function isEmpty(list: readonly unknown[]): boolean {
  return list.length === 0;
}

function parentOf(pid: number): number {
  return Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]);
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** Everything that is alive in one of the namespaces, zombies included. */
function processesIn(namespaces: readonly string[]): number[] {
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return ["net", "mnt", "pid"].some((kind) =>
          namespaces.includes(readlinkSync(`/proc/${pid}/ns/${kind}`)),
        );
      } catch {
        return false;
      }
    });
}
