// The agent's IPMI client against the simulated BMC, in virtual time.
import { describe, expect, it } from "vitest";
import { makeNodeCrypto } from "../../../site-agent/adapters/node-crypto.ts";
import { makeBmcFleet } from "../../../site-agent/bmc/bmc-fleet.ts";
import type { Bmc, BmcAccess, BmcErrorKind, SendFence } from "../../../site-agent/bmc/port.ts";
import type { Result } from "../../../shared/result.ts";
import { makeMemoryChassis } from "./chassis.ts";
import { dropAtRandom } from "./faults.ts";
import { startBmcSimulator } from "./simulator.ts";
import type { BmcSimulatorOptions } from "./simulator.ts";
import { makeVirtualClock } from "./virtual-clock.ts";
import { makeVirtualNetwork } from "./virtual-network.ts";

const address = "192.0.2.10";
const device = {
  deviceId: 32,
  firmwareMajor: 1,
  firmwareMinor: 2,
  manufacturerId: 32473,
  productId: 1,
};

async function makeWorld(overrides: Partial<BmcSimulatorOptions> = {}) {
  const clock = makeVirtualClock();
  const network = makeVirtualNetwork();
  const crypto = makeNodeCrypto();
  const ports = { udp: network, clock, crypto };
  const chassis = makeMemoryChassis();
  const bmc = await startBmcSimulator({
    address,
    port: 623,
    users: [
      { name: "admin", password: "secret", privilege: "administrator" },
      { name: "operator", password: "secret", privilege: "operator" },
      { name: "viewer", password: "secret", privilege: "user" },
    ],
    guid: "00112233-4455-6677-8899-aabbccddeeff",
    chassis,
    ports,
    ...overrides,
  });
  const logged: { message: string; fields: unknown }[] = [];
  const write = (message: string, fields?: unknown): void => void logged.push({ message, fields });
  const fleet = makeBmcFleet({ ...ports, log: { info: write, warn: write, error: write } });
  return {
    clock,
    network,
    chassis,
    bmc,
    logged,
    fleet,
    client: (access: Partial<BmcAccess> = {}, fence?: SendFence): Bmc => {
      const credentials = { username: "admin", password: "secret", credentialsVersion: "1" };
      const made = fleet.bmc({ address: `ipmi://${address}`, ...credentials, ...access }, fence);
      if (!made.ok) throw new Error(made.error.message);
      return made.value;
    },
    sentToBmc: () => network.datagrams.filter(({ to }) => to.address === address).length,
  };
}

function kindOf(result: Result<unknown, BmcErrorKind>): BmcErrorKind | "ok" {
  return result.ok ? "ok" : result.error.kind;
}

describe("login", () => {
  it("prefers cipher suite 17 and keeps one session for all commands", async () => {
    const { clock, bmc, client, logged } = await makeWorld();
    expect(await clock.until(client().readPower())).toEqual({
      ok: true,
      value: { on: false, doubtful: false },
    });
    expect(kindOf(await clock.until(client().identify()))).toBe("ok");
    expect(bmc.record).toEqual({ attempts: 1, failures: 0, logins: [17] });
    expect(logged).toEqual([
      {
        message: "BMC login",
        fields: { bmc: `${address}:623`, suite: 17, manufacturerId: 32473 },
      },
    ]);
  });

  it("falls back to suite 3 when the BMC has no resources for 17, and remembers", async () => {
    const { clock, bmc, client, network } = await makeWorld({
      faults: { refusedSuites: { 17: 1 } },
    });
    expect(kindOf(await clock.until(client().readPower()))).toBe("ok");
    const openSessionRequests = (): number =>
      network.datagrams.filter(({ data, to }) => to.port === 623 && data[5] === 0x10).length;
    expect(openSessionRequests()).toBe(2);
    bmc.restart();
    expect(kindOf(await clock.until(client().readPower()))).toBe("ok");
    expect(openSessionRequests()).toBe(3);
    expect(bmc.record.logins).toEqual([3, 3]);
  });

  it("says what each suite was refused for when none is left", async () => {
    const { clock, client } = await makeWorld({ faults: { refusedSuites: { 3: 4, 17: 0x11 } } });
    const result = await clock.until(client().readPower());
    expect(result).toMatchObject({ ok: false, error: { kind: "unsupported" } });
    expect(result.ok ? "" : result.error.message).toContain(
      "suite 17: no such cipher suite; suite 3: authentication algorithm not supported",
    );
  });

  it("says busy when all sessions are taken", async () => {
    const { clock, client } = await makeWorld({ faults: { refusedSuites: { 3: 1, 17: 1 } } });
    expect(kindOf(await clock.until(client().readPower()))).toBe("busy");
  });

  it("tries a wrong password at most twice, then not until 30 minutes have passed", async () => {
    const { clock, bmc, client, sentToBmc } = await makeWorld();
    const wrong = client({ password: "sceret" });
    expect(kindOf(await clock.until(wrong.readPower()))).toBe("credentials");
    expect(kindOf(await clock.until(wrong.sendPower("on")))).toBe("credentials");
    const sent = sentToBmc();
    for (let call = 0; call < 5; call += 1) {
      expect(kindOf(await clock.until(wrong.readPower()))).toBe("login-budget");
    }
    expect(sentToBmc()).toBe(sent);
    // Wrong passwords show at RAKP 2: the BMC itself has seen no failed login.
    expect(bmc.record).toEqual({ attempts: 2, failures: 0, logins: [] });

    await clock.advance(30 * 60_000);
    expect(kindOf(await clock.until(wrong.readPower()))).toBe("credentials");
    expect(bmc.record.attempts).toBe(3);
  });

  it("tries again at once when the Secret has changed", async () => {
    const { clock, bmc, client } = await makeWorld();
    const wrong = client({ password: "sceret" });
    for (let call = 0; call < 3; call += 1) await clock.until(wrong.readPower());
    const right = client({ credentialsVersion: "2" });
    expect(kindOf(await clock.until(right.readPower()))).toBe("ok");
    expect(bmc.record).toEqual({ attempts: 3, failures: 0, logins: [17] });
  });

  it("gives a wrong password no third try because its Secret has a new version", async () => {
    const { clock, bmc, client } = await makeWorld();
    for (const credentialsVersion of ["1", "2", "3"]) {
      const wrong = client({ password: "sceret", credentialsVersion });
      await clock.until(wrong.readPower());
    }
    expect(bmc.record).toEqual({ attempts: 2, failures: 0, logins: [] });
  });

  it("does not lend the session of one host to another with wrong credentials", async () => {
    const { clock, client } = await makeWorld();
    expect(kindOf(await clock.until(client().readPower()))).toBe("ok");
    const other = client({ username: "nobody" });
    expect(kindOf(await clock.until(other.readPower()))).toBe("credentials");
  });

  it("never repeats the password in errors or logs", async () => {
    const { clock, client, logged } = await makeWorld();
    const results = [
      await clock.until(client({ password: "hunter2-hunter2" }).readPower()),
      await clock.until(client({ password: "hunter2-hunter2-hunter2" }).readPower()),
    ];
    expect(results.map(kindOf)).toEqual(["credentials", "credentials"]);
    expect(results[1]).toMatchObject({
      error: { message: expect.stringContaining("IPMI allows 20 bytes of password") },
    });
    expect(JSON.stringify({ results, logged })).not.toContain("hunter2");
  });

  it("works as operator when the user is no administrator", async () => {
    const { clock, client } = await makeWorld();
    const operator = client({ username: "operator" });
    expect(kindOf(await clock.until(operator.sendPower("on")))).toBe("ok");
  });

  it("says privilege when the user may only look", async () => {
    const { clock, client } = await makeWorld();
    expect(kindOf(await clock.until(client({ username: "viewer" }).readPower()))).toBe("privilege");
  });
});

describe("silence", () => {
  it("is unreachable after three datagrams and three seconds when nothing answers", async () => {
    const { clock, client, network } = await makeWorld();
    const silent = client({ address: "192.0.2.99" });
    const startMs = clock.monotonicMs();
    expect(kindOf(await clock.until(silent.readPower()))).toBe("unreachable");
    expect(clock.monotonicMs() - startMs).toBe(3000);
    expect(network.datagrams).toHaveLength(3);
  });

  it("is paid for once by all calls that wait", async () => {
    const { clock, client } = await makeWorld();
    const startMs = clock.monotonicMs();
    const silent = client({ address: "192.0.2.99" });
    const calls = Array.from({ length: 10 }, () => silent.readPower());
    const results = await clock.until(Promise.all(calls));
    expect(results.map(kindOf)).toEqual(Array.from({ length: 10 }, () => "unreachable"));
    expect(clock.monotonicMs() - startMs).toBe(3000);
  });

  it("of one BMC does not hold up another", async () => {
    const { clock, client } = await makeWorld();
    const slow = client({ address: "192.0.2.99" }).readPower();
    const startMs = clock.monotonicMs();
    expect(kindOf(await clock.until(client().readPower()))).toBe("ok");
    expect(clock.monotonicMs() - startMs).toBeLessThan(100);
    await clock.until(slow);
  });
});

describe("lost datagrams", () => {
  it("make no reset happen twice when only the answer was lost", async () => {
    const { clock, bmc, chassis, client, network } = await makeWorld();
    await clock.until(client().sendPower("on"));
    const before = network.datagrams.length;
    let answers = 0;
    // The first answer is that of the power read before the reset, the second that of the reset.
    bmc.faults.drop = (direction) => direction === "out" && ++answers === 2;
    expect(kindOf(await clock.until(client().sendPower("reset")))).toBe("ok");
    expect(chassis.actions).toEqual(["on", "reset"]);
    const copies = network.datagrams.slice(before).filter(({ to }) => to.port === 623);
    const sequences = copies.map(({ data }) => data[10]);
    expect(sequences).toEqual([4, 5, 6]);
  });

  it("cost time but no work when one in twenty is lost", async () => {
    const { clock, bmc, chassis, client } = await makeWorld();
    let state = 1;
    const random = (): number => {
      state = (state * 48_271) % 2_147_483_647;
      return state / 2_147_483_647;
    };
    bmc.faults.drop = dropAtRandom(0.05, random);
    for (let round = 0; round < 50; round += 1) {
      expect(kindOf(await clock.until(client().sendPower("on")))).toBe("ok");
      expect(kindOf(await clock.until(client().sendPower("reset")))).toBe("ok");
    }
    expect(chassis.actions.filter((action) => action === "reset")).toHaveLength(50);
    expect(bmc.record.failures).toBe(0);
  });

  it("end in unreachable, and no second reset, when all answers to a reset are lost", async () => {
    const { clock, bmc, chassis, client } = await makeWorld();
    await clock.until(client().sendPower("on"));
    let answers = 0;
    bmc.faults.drop = (direction) => direction === "out" && [2, 3, 4].includes(++answers);
    const result = await clock.until(client().sendPower("reset"));
    expect(result).toMatchObject({ ok: false, error: { kind: "unreachable" } });
    expect(result.ok ? "" : result.error.message).toContain("the power is on now");
    expect(chassis.actions).toEqual(["on", "reset"]);
  });
});

describe("the fence", () => {
  async function makeFenced() {
    const world = await makeWorld();
    const taken = { kind: "fenced", message: "another agent acts" } as const;
    let isTaken = false;
    return {
      ...world,
      fenced: world.client({}, () => (isTaken ? taken : undefined)),
      /** Another agent acts from then on. */
      takeAt: (which: "in" | "out", number: number): void => {
        let seen = 0;
        world.bmc.faults.drop = (direction) => {
          if (direction === which) seen += 1;
          isTaken ||= seen === number;
          return isTaken && which === "out";
        };
      },
    };
  }

  it("is asked again after a login, and nothing that changes the machine is sent [S26]", async () => {
    const { clock, chassis, fenced, takeAt } = await makeFenced();
    takeAt("in", 2);
    expect(kindOf(await clock.until(fenced.sendPower("on")))).toBe("fenced");
    expect(kindOf(await clock.until(fenced.sendPower("reset")))).toBe("fenced");
    const request = { device: "pxe", persistent: false, uefi: true } as const;
    expect(kindOf(await clock.until(fenced.setBootDevice(request)))).toBe("fenced");
    expect(chassis.actions).toEqual([]);
    expect(chassis.boot.selector).toBe(0);
    expect(kindOf(await clock.until(fenced.readPower()))).toBe("ok");
  });

  it("is asked again before a command is repeated, which may have been done [S26]", async () => {
    const { clock, chassis, fenced, takeAt, sentToBmc } = await makeFenced();
    await clock.until(fenced.sendPower("on"));
    const before = sentToBmc();
    takeAt("out", 1);
    expect(kindOf(await clock.until(fenced.sendPower("off")))).toBe("unreachable");
    expect(chassis.actions).toEqual(["on", "off"]);
    expect(sentToBmc()).toBe(before + 1);
  });
});

describe("session", () => {
  it("is opened anew for any command when the BMC has restarted", async () => {
    const { clock, bmc, chassis, client } = await makeWorld();
    await clock.until(client().sendPower("on"));
    bmc.restart();
    expect(kindOf(await clock.until(client().readPower()))).toBe("ok");
    bmc.restart();
    expect(kindOf(await clock.until(client().sendPower("cycle")))).toBe("ok");
    expect(chassis.actions).toEqual(["on", "cycle"]);
    expect(bmc.record.logins).toEqual([17, 17, 17]);
  });

  it("is kept alive while it may be used, and given back after three minutes", async () => {
    const { clock, bmc, client, network } = await makeWorld();
    await clock.until(client().readPower());
    await clock.advance(170_000);
    expect(bmc.openSessions()).toBe(1);
    expect(bmc.record.logins).toEqual([17]);
    await clock.advance(30_000);
    expect(bmc.openSessions()).toBe(0);
    expect(network.socketCount).toBe(1);
    expect(kindOf(await clock.until(client().readPower()))).toBe("ok");
  });

  it("is given back when the fleet closes, and nothing is sent afterwards", async () => {
    const { clock, bmc, client, fleet, sentToBmc } = await makeWorld();
    await clock.until(client().readPower());
    await fleet.close();
    await clock.advance(1);
    expect(bmc.openSessions()).toBe(0);
    const sent = sentToBmc();
    expect(kindOf(await clock.until(client().readPower()))).toBe("unreachable");
    await clock.advance(600_000);
    expect(sentToBmc()).toBe(sent);
  });

  it("is not left behind when the fleet closes in the middle of a login", async () => {
    const { clock, bmc, client, fleet, network } = await makeWorld();
    // Open Session is answered, RAKP 1 is not.
    let requests = 0;
    bmc.faults.drop = (direction) => direction === "in" && ++requests > 2;
    const reading = client().readPower();
    await clock.advance(100);
    await fleet.close();
    expect(kindOf(await clock.until(reading))).toBe("unreachable");
    expect(network.socketCount).toBe(1);
    const sent = network.datagrams.length;
    await clock.advance(600_000);
    expect(network.datagrams).toHaveLength(sent);
  });

  it("is shared by hosts that spell the address of one BMC differently", async () => {
    const { clock, bmc, client } = await makeWorld();
    const spellings = [address, `${address}:623`, `ipmi://${address}:623/`, `libvirt:${address}`];
    await clock.until(
      Promise.all(spellings.map((spelling) => client({ address: spelling }).readPower())),
    );
    expect(bmc.record.logins).toEqual([17]);
  });
});

describe("power", () => {
  it("switches off and on when a host that is said to be off is to be cycled", async () => {
    const { clock, chassis, client } = await makeWorld();
    expect(kindOf(await clock.until(client().sendPower("cycle")))).toBe("ok");
    expect(chassis.actions).toEqual(["off", "on"]);
  });

  it("says refused when a host that is off is to be reset", async () => {
    const { clock, chassis, client } = await makeWorld();
    expect(kindOf(await clock.until(client().sendPower("reset")))).toBe("refused");
    expect(chassis.actions).toEqual([]);
  });

  it("reads off until a slow power-on has happened", async () => {
    const { clock, client } = await makeWorld({ faults: { powerDelayMs: 5000 } });
    const bmc = client();
    expect(kindOf(await clock.until(bmc.sendPower("on")))).toBe("ok");
    expect(await clock.until(bmc.readPower())).toMatchObject({ value: { on: false } });
    await clock.advance(5000);
    expect(await clock.until(bmc.readPower())).toMatchObject({ value: { on: true } });
  });

  it("runs one mutating call at a time per BMC, reads in between", async () => {
    const { clock, chassis, client } = await makeWorld();
    const first = client();
    const second = client();
    const done: string[] = [];
    const note = (name: string) => () => void done.push(name);
    await clock.until(
      Promise.all([
        first.setBootDevice({ device: "pxe", persistent: false, uefi: true }).then(note("boot")),
        second.sendPower("on").then(note("power")),
        second.readPower().then(note("read")),
      ]),
    );
    expect(done).toEqual(["read", "boot", "power"]);
    expect(chassis.actions).toEqual(["on"]);
  });
});

describe("boot device", () => {
  const uefiDisk = { device: "disk", persistent: true, uefi: true } as const;

  it("reaches the chassis with its flags", async () => {
    const { clock, chassis, client } = await makeWorld();
    await clock.until(client().setBootDevice({ device: "pxe", persistent: false, uefi: true }));
    expect(chassis.boot).toEqual({ selector: 1, persistent: false, uefi: true });
    await clock.until(client().setBootDevice({ device: "none", persistent: false, uefi: true }));
    expect(chassis.boot).toEqual({ selector: 0, persistent: false, uefi: true });
    await clock.until(client().setBootDevice(uefiDisk));
    expect(chassis.boot).toEqual({ selector: 2, persistent: true, uefi: true });
  });

  it("outlives 60 s without a power action, because parameter 3 is set first", async () => {
    const { clock, chassis, client } = await makeWorld();
    await clock.until(client().setBootDevice(uefiDisk));
    await clock.advance(120_000);
    expect(chassis.boot.selector).toBe(2);
  });

  it("is set with a warning when the BMC refuses parameter 3, and gone after 60 s", async () => {
    const { clock, chassis, client, logged } = await makeWorld({
      faults: { refusedBootParameters: [3] },
    });
    expect(kindOf(await clock.until(client().setBootDevice(uefiDisk)))).toBe("ok");
    expect(logged.map(({ message }) => message)).toContain(
      "BMC may forget the boot device after 60 s",
    );
    await clock.advance(59_000);
    expect(chassis.boot.selector).toBe(2);
    await clock.advance(1000);
    expect(chassis.boot.selector).toBe(0);
  });

  it("is an error when the BMC refuses the flags themselves", async () => {
    const { clock, client } = await makeWorld({ faults: { refusedBootParameters: [5] } });
    expect(kindOf(await clock.until(client().setBootDevice(uefiDisk)))).toBe("unsupported");
  });

  it("is the remote disk for UEFI disk when the BMC is a Supermicro", async () => {
    const { clock, chassis, client } = await makeWorld({
      device: { ...device, manufacturerId: 10876 },
    });
    await clock.until(client().setBootDevice(uefiDisk));
    expect(chassis.boot.selector).toBe(9);
    await clock.until(client().setBootDevice({ ...uefiDisk, uefi: false }));
    expect(chassis.boot.selector).toBe(2);
  });

  it("leaves parameter 3 alone when the BMC is an OpenBMC", async () => {
    const { clock, client, logged } = await makeWorld({
      device: { ...device, manufacturerId: 49871 },
      faults: { refusedBootParameters: [3] },
    });
    expect(kindOf(await clock.until(client().setBootDevice(uefiDisk)))).toBe("ok");
    expect(logged.map(({ message }) => message)).toEqual(["BMC login"]);
  });
});
