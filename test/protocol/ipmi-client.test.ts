// Two BMCs of others judge the agent's IPMI client: Debian's ipmi_sim (cipher suite 3) and the server
// of the Go library go-ipmi (cipher suite 17).
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { startBackgroundProgram } from "../../infra/preparation/background-program.ts";
import type { BackgroundProgram } from "../../infra/preparation/background-program.ts";
import { ensureDebianPackages } from "../../infra/preparation/debian-packages.ts";
import { buildGoProgram } from "../../infra/preparation/go-program.ts";
import { silentProgress } from "../../infra/preparation/progress.ts";
import { runProgram } from "../../infra/preparation/run-program.ts";
import { makeNodeClock } from "../../site-agent/adapters/node-clock.ts";
import { makeNodeCrypto } from "../../site-agent/adapters/node-crypto.ts";
import { makeNodeUdp } from "../../site-agent/adapters/node-udp.ts";
import { makeBmcFleet } from "../../site-agent/bmc/bmc-fleet.ts";
import type { Bmc, BmcAccess, BmcFleet } from "../../site-agent/bmc/port.ts";
import type { LogFields } from "../../site-agent/ports.ts";

let folder = "";
let program: BackgroundProgram;
let port = 0;
let fleet: BmcFleet;
let logged: { message: string; fields: LogFields | undefined }[] = [];

async function makeFolder(): Promise<void> {
  folder = await mkdtemp(join(tmpdir(), "farrier-ipmi-"));
  port = await freeUdpPort();
}

function connect(access: Partial<BmcAccess> = {}): Bmc {
  logged = [];
  const write = (message: string, fields?: LogFields): void =>
    void logged.push({ message, fields });
  fleet = makeBmcFleet({
    udp: makeNodeUdp(),
    clock: makeNodeClock(),
    crypto: makeNodeCrypto(),
    log: { info: write, warn: write, error: write },
  });
  const bmc = fleet.bmc({
    address: `ipmi://127.0.0.1:${port}`,
    username: "admin",
    password: "password",
    credentialsVersion: "1",
    ...access,
  });
  if (!bmc.ok) throw new Error(bmc.error.message);
  return bmc.value;
}

afterEach(() => fleet.close());

async function cleanUp(): Promise<void> {
  await program.stop();
  await rm(folder, { recursive: true });
}

describe("the IPMI client on Debian's ipmi_sim", () => {
  beforeAll(async () => {
    await ensureDebianPackages(["openipmi"], silentProgress);
    await makeFolder();
    await mkdir(join(folder, "state"));
    await writeFile(join(folder, "lan.conf"), lanConf());
    await writeFile(join(folder, "commands.emu"), commandsEmu);
    await writeFile(join(folder, "chassis.sh"), chassisScript());
    await chmod(join(folder, "chassis.sh"), 0o755);
    const inFolder = (name: string): string => join(folder, name);
    const files = ["-c", inFolder("lan.conf"), "-f", inFolder("commands.emu")];
    program = startBackgroundProgram("ipmi_sim", [...files, "-s", inFolder("state"), "-n"], {
      logFile: join(folder, "ipmi_sim.log"),
    });
    await listening();
  });
  afterAll(cleanUp);

  const chassisCalls = async (): Promise<string[]> => {
    const text = await readFile(join(folder, "calls"), "utf8").catch(() => "");
    return text.split("\n").filter((line) => line.startsWith("set"));
  };

  it("finds that only suite 3 works, and reads identity", async () => {
    expect(await connect().identify()).toEqual({
      ok: true,
      value: {
        protocol: "ipmi",
        manufacturerId: 4753,
        productId: 3842,
        firmware: "9.08",
        guid: "a1234567-89ab-cdef-a123-456789abcdef",
      },
    });
    expect(logged).toMatchObject([{ message: "BMC login", fields: { suite: 3 } }]);
  });

  it("switches and reads the power", async () => {
    const bmc = connect();
    expect(await bmc.readPower()).toMatchObject({ ok: true, value: { on: false } });
    expect(await bmc.sendPower("on")).toEqual({ ok: true });
    expect(await bmc.readPower()).toMatchObject({ ok: true, value: { on: true } });
    expect(await bmc.sendPower("reset")).toEqual({ ok: true });
    expect(await bmc.sendPower("soft")).toEqual({ ok: true });
    expect(await bmc.sendPower("off")).toEqual({ ok: true });
    expect(await bmc.readPower()).toMatchObject({ ok: true, value: { on: false } });
    expect(await chassisCalls()).toEqual([
      "set power 1",
      "set reset 1",
      "set shutdown 1",
      "set power 0",
    ]);
  });

  it("sets the boot device", async () => {
    const bmc = connect();
    const before = (await chassisCalls()).length;
    for (const device of ["pxe", "none", "disk"] as const) {
      expect(await bmc.setBootDevice({ device, persistent: false, uefi: true })).toEqual({
        ok: true,
      });
    }
    expect((await chassisCalls()).slice(before)).toEqual([
      "set boot pxe",
      "set boot none",
      "set boot default",
    ]);
  });

  it("says credentials when user or password is wrong", async () => {
    expect(await connect({ password: "passwort" }).readPower()).toMatchObject({
      error: { kind: "credentials" },
    });
    await fleet.close();
    expect(await connect({ username: "nobody" }).readPower()).toMatchObject({
      error: { kind: "credentials" },
    });
  });

  it("works as operator when the user is no administrator", async () => {
    const bmc = connect({ username: "operator" });
    expect(await bmc.readPower()).toMatchObject({ ok: true });
    expect(await bmc.sendPower("off")).toEqual({ ok: true });
  });
});

describe("the IPMI client on the server of go-ipmi", () => {
  beforeAll(async () => {
    await ensureDebianPackages(["ipmitool"], silentProgress);
    const server = await buildGoProgram(
      {
        module: "github.com/bougou/go-ipmi",
        version: "v0.9.0",
        package: "github.com/bougou/go-ipmi/cmd/goipmi-server",
        binary: "goipmi-server",
      },
      silentProgress,
    );
    await makeFolder();
    await writeFile(join(folder, "password"), "password");
    program = startBackgroundProgram(server, [], {
      logFile: join(folder, "goipmi-server.log"),
      env: {
        GOIPMI_SERVER_PORT: String(port),
        GOIPMI_SERVER_USER: "admin",
        GOIPMI_SERVER_PASS: "password",
        GOIPMI_SERVER_CIPHER_SUITES: "17",
      },
    });
    await listening();
  });
  afterAll(cleanUp);

  it("logs in with suite 17 and reads identity", async () => {
    expect(await connect().identify()).toMatchObject({
      ok: true,
      value: { manufacturerId: 343, productId: 1, firmware: "1.00" },
    });
    expect(logged).toMatchObject([{ message: "BMC login", fields: { suite: 17 } }]);
  });

  it("switches and reads the power", async () => {
    const bmc = connect();
    for (const [action, on] of [
      ["on", true],
      ["cycle", true],
      ["reset", true],
      ["off", false],
      ["cycle", true],
      ["off", false],
    ] as const) {
      expect(await bmc.sendPower(action)).toEqual({ ok: true });
      expect(await bmc.readPower()).toMatchObject({ ok: true, value: { on } });
    }
  });

  it("sets boot flags that ipmitool reads back", async () => {
    const bmc = connect();
    const readBack = async (): Promise<string> => {
      const where = ["-H", "127.0.0.1", "-p", String(port)];
      const user = ["-U", "admin", "-f", join(folder, "password")];
      const command = ["chassis", "bootparam", "get", "5"];
      const args = ["-I", "lanplus", "-C", "17", ...where, ...user, ...command];
      const { stdout } = await runProgram("ipmitool", args);
      return stdout;
    };
    await bmc.setBootDevice({ device: "pxe", persistent: false, uefi: true });
    expect(await readBack()).toMatch(/only next boot[^]*EFI boot[^]*Force PXE/);
    await bmc.setBootDevice({ device: "disk", persistent: true, uefi: false });
    expect(await readBack()).toMatch(/all future boots[^]*legacy[^]*Boot from default Hard-Drive/);
    await bmc.setBootDevice({ device: "none", persistent: false, uefi: true });
    expect(await readBack()).toContain("No override");
  });

  it("spends two logins on a wrong password, then none", async () => {
    const bmc = connect({ password: "passwort" });
    const kinds = [];
    for (let call = 0; call < 4; call += 1) {
      const result = await bmc.readPower();
      kinds.push(result.ok ? "ok" : result.error.kind);
    }
    expect(kinds).toEqual(["credentials", "credentials", "login-budget", "login-budget"]);
  });
});

async function freeUdpPort(): Promise<number> {
  const bound = await makeNodeUdp().bind({ address: "127.0.0.1", port: 0, onMessage() {} });
  if (!bound.ok) throw new Error(bound.error.message);
  bound.value.close();
  return bound.value.local.port;
}

/** Waits until somebody has the UDP port, or the program is gone. */
async function listening(): Promise<void> {
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, "0")} `;
  await vi.waitFor(
    async () => {
      const failure = program.failure();
      const tables = ["/proc/net/udp", "/proc/net/udp6"].map((path) => readFile(path, "utf8"));
      const open = (await Promise.all(tables)).some((table) => table.includes(wanted));
      if (failure === undefined && !open) throw new Error(`Nobody listens on port ${port} yet`);
      expect(failure).toBeUndefined();
    },
    { timeout: 20_000, interval: 50 },
  );
}

function lanConf(): string {
  const types = "none md2 md5 straight";
  return `name "bmc"
set_working_mc 0x20
startlan 1
  addr 127.0.0.1 ${port}
  priv_limit admin
  allowed_auths_callback ${types}
  allowed_auths_user ${types}
  allowed_auths_operator ${types}
  allowed_auths_admin ${types}
  guid a123456789abcdefa123456789abcdef
endlan
chassis_control "${join(folder, "chassis.sh")}"
user 1 true "" "" user 10 none md2 md5 straight
user 2 true "admin" "password" admin 10 ${types}
user 3 true "operator" "password" operator 10 ${types}
`;
}

const commandsEmu = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02
sel_enable 0x20 1000 0x0a
mc_enable 0x20
`;

/** A chassis that remembers its power, and writes down what it was asked to do. */
function chassisScript(): string {
  return `#!/bin/sh
cd ${folder}
echo "$*" >> calls
case "$1 $2" in
  "get power") echo "power:$(cat power 2>/dev/null || echo 0)" ;;
  "get boot") echo "boot:default" ;;
  "set power") echo "$3" > power ;;
esac
`;
}
