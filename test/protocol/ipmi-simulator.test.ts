// ipmitool and freeipmi judge our BMC simulator: two clients that share no code with it or each other.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { makeMemoryChassis } from "../../infra/lab/bmc-simulator/chassis.ts";
import type { MemoryChassis } from "../../infra/lab/bmc-simulator/chassis.ts";
import { startBmcSimulator } from "../../infra/lab/bmc-simulator/simulator.ts";
import type { BmcSimulator } from "../../infra/lab/bmc-simulator/simulator.ts";
import { ensureDebianPackages } from "../../infra/preparation/debian-packages.ts";
import { silentProgress } from "../../infra/preparation/progress.ts";
import { runProgram, tryProgram } from "../../infra/preparation/run-program.ts";

// As long as IPMI allows: 16 bytes of name, 20 of password.
const username = "sixteen-bytes-ok";
const password = "twenty-bytes-it-is!!";

let folder = "";
let passwordFile = "";
let chassis: MemoryChassis;
let bmc: BmcSimulator;

beforeAll(async () => {
  await ensureDebianPackages(["ipmitool", "freeipmi-tools"], silentProgress);
  folder = await mkdtemp(join(tmpdir(), "farrier-ipmi-"));
  passwordFile = join(folder, "password");
  await writeFile(passwordFile, password);
  await writeFile(
    join(folder, "freeipmi.conf"),
    `driver-type LAN_2_0\nusername ${username}\npassword ${password}\n`,
    { mode: 0o600 },
  );
});
afterAll(() => rm(folder, { recursive: true }));

beforeEach(async () => {
  chassis = makeMemoryChassis();
  bmc = await startBmcSimulator({
    address: "127.0.0.1",
    port: 0,
    users: [
      { name: username, password, privilege: "administrator" },
      { name: "viewer", password, privilege: "user" },
    ],
    guid: "00112233-4455-6677-8899-aabbccddeeff",
    chassis,
  });
});
afterEach(() => bmc.close());

function ipmitoolArguments(user: string): string[] {
  const port = String(bmc.local.port);
  return ["-I", "lanplus", "-H", "127.0.0.1", "-p", port, "-U", user, "-f", passwordFile];
}

describe.each([
  ["cipher suite 3", ["-C", "3"], 3],
  ["cipher suite 17", ["-C", "17"], 17],
  ["the suite that it picks itself", [], 17],
] as const)("ipmitool with %s", (_, suiteArguments, suite) => {
  async function ipmitool(...args: string[]): Promise<string> {
    const all = [...ipmitoolArguments(username), ...suiteArguments, ...args];
    return (await runProgram("ipmitool", all)).stdout;
  }

  it("switches and reads the power", async () => {
    expect(await ipmitool("power", "status")).toBe("Chassis Power is off\n");
    for (const action of ["on", "cycle", "reset", "soft", "on", "off"]) {
      await ipmitool("power", action);
    }
    expect(chassis.actions).toEqual(["on", "cycle", "reset", "soft", "on", "off"]);
    expect(new Set(bmc.record.logins)).toEqual(new Set([suite]));
    expect(bmc.openSessions()).toBe(0);
  });

  it("reads identity and GUID", async () => {
    const info = await ipmitool("mc", "info");
    expect(info).toContain("Firmware Revision         : 1.02");
    expect(info).toContain("Manufacturer ID           : 32473");
    expect(await ipmitool("mc", "guid")).toContain("00112233445566778899AABBCCDDEEFF");
  });

  it("sets the boot device and reads it back", async () => {
    await ipmitool("chassis", "bootdev", "pxe", "options=efiboot");
    expect(chassis.boot).toEqual({ selector: 1, persistent: false, uefi: true });
    const flags = await ipmitool("chassis", "bootparam", "get", "5");
    expect(flags).toContain("Boot Flag Valid");
    expect(flags).toContain("Options apply to only next boot");
    expect(flags).toContain("BIOS EFI boot");
    expect(flags).toContain("Force PXE");
    await ipmitool("chassis", "bootdev", "disk", "options=persistent");
    expect(chassis.boot).toEqual({ selector: 2, persistent: true, uefi: false });
  });

  it("lists the cipher suites", async () => {
    const table = await ipmitool("channel", "getciphers", "ipmi", "1");
    expect(table).toMatch(/^3 .*hmac_sha1 .*hmac_sha1_96 .*aes_cbc_128/m);
    expect(table).toMatch(/^17 .*hmac_sha256 .*sha256_128 .*aes_cbc_128/m);
  });
});

describe("ipmitool", () => {
  it("is told what is wrong when user, privilege or state do not fit", async () => {
    const run = (user: string, ...args: string[]) =>
      tryProgram("ipmitool", [...ipmitoolArguments(user), "-v", "-C", "17", ...args]);
    expect((await run("nobody", "power", "status")).stderr).toContain("unauthorized name");
    expect((await run("viewer", "power", "on")).stderr).toMatch(/unauthorized role|privilege/i);
    const onlyUser = await run("viewer", "-L", "USER", "power", "status");
    expect(onlyUser.stdout).toBe("Chassis Power is off\n");
    const denied = await run("viewer", "-L", "USER", "power", "on");
    expect(denied.stderr).toContain("Insufficient privilege level");
    const cycle = await run(username, "power", "cycle");
    expect(cycle.stderr).toContain("not supported in present state");
    expect(chassis.actions).toEqual([]);
  });

  it("goes on to suite 3 in its own time when told to, after 17 was refused", async () => {
    bmc.faults.refusedSuites = { 17: 1 };
    const run = (suite: string) =>
      tryProgram("ipmitool", [...ipmitoolArguments(username), "-C", suite, "power", "status"]);
    expect((await run("17")).stderr).toContain("insufficient resources for session");
    expect((await run("3")).stdout).toBe("Chassis Power is off\n");
  });

  it("switches on once when one datagram in seven is lost", async () => {
    let count = 0;
    bmc.faults.drop = () => ++count % 7 === 0;
    const args = [...ipmitoolArguments(username), "-C", "17", "power", "on"];
    expect((await runProgram("ipmitool", args)).stdout).toBe("Chassis Power Control: Up/On\n");
    expect(chassis.actions).toEqual(["on"]);
  });
});

describe.each([3, 17])("freeipmi with cipher suite %i", (suite) => {
  async function freeipmi(program: string, ...args: string[]): Promise<string> {
    const all = [
      `--config-file=${join(folder, "freeipmi.conf")}`,
      `--hostname=127.0.0.1:${bmc.local.port}`,
      `--cipher-suite-id=${suite}`,
    ];
    return (await runProgram(program, [...all, ...args])).stdout;
  }

  it("switches and reads the power", async () => {
    expect(await freeipmi("ipmipower", "--stat")).toBe("127.0.0.1: off\n");
    expect(await freeipmi("ipmipower", "--on", "--wait-until-on")).toBe("127.0.0.1: ok\n");
    expect(await freeipmi("ipmipower", "--cycle")).toBe("127.0.0.1: ok\n");
    expect(await freeipmi("ipmipower", "--reset")).toBe("127.0.0.1: ok\n");
    expect(await freeipmi("ipmipower", "--soft")).toBe("127.0.0.1: ok\n");
    expect(chassis.actions).toEqual(["on", "cycle", "reset", "soft"]);
    expect(new Set(bmc.record.logins)).toEqual(new Set([suite]));
  });

  it("reads identity and chassis status", async () => {
    const info = await freeipmi("bmc-info");
    expect(info).toContain("Firmware Revision     : 1.02");
    expect(info).toContain("(32473)");
    expect(info).toContain("System GUID : ffeeddcc-bbaa-9988-7766-554433221100");
    const status = await freeipmi("ipmi-chassis", "--get-chassis-status");
    expect(status).toMatch(/System Power +: off/);
    expect(status).toMatch(/Power fault +: false/);
  });
});
