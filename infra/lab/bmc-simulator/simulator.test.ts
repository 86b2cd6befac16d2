import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { bootSelector } from "../../../shared/wire/ipmi/chassis-commands.ts";
import { makeNodeCrypto } from "../../../site-agent/adapters/node-crypto.ts";
import { makeBmcFleet } from "../../../site-agent/bmc/bmc-fleet.ts";
import { makeMemoryChassis } from "./chassis.ts";
import { startBmcSimulator } from "./simulator.ts";
import type { BmcSimulatorOptions } from "./simulator.ts";
import { parseSimulatorConfig } from "./simulator-config.ts";
import { makeSocketChassis } from "./socket-chassis.ts";
import { makeVirtualClock } from "./virtual-clock.ts";
import { makeVirtualNetwork } from "./virtual-network.ts";

const access = { username: "admin", password: "secret", credentialsVersion: "1" };
const log = { info() {}, warn() {}, error() {} };

async function makeWorld(overrides: Partial<BmcSimulatorOptions> = {}) {
  const clock = makeVirtualClock();
  const ports = { udp: makeVirtualNetwork(), clock, crypto: makeNodeCrypto() };
  const chassis = makeMemoryChassis();
  const simulator = await startBmcSimulator({
    address: "192.0.2.10",
    port: 623,
    users: [{ name: "admin", password: "secret", privilege: "administrator" }],
    guid: "00112233-4455-6677-8899-aabbccddeeff",
    chassis,
    ports,
    ...overrides,
  });
  /** Each call is another console. */
  const connect = () => {
    const bmc = makeBmcFleet({ ...ports, log }).bmc({ address: "192.0.2.10", ...access });
    if (!bmc.ok) throw new Error(bmc.error.message);
    return bmc.value;
  };
  return { clock, chassis, simulator, connect };
}

describe("simulated BMC", () => {
  it("accepts power on and stays off when it is stuck", async () => {
    const { clock, chassis, connect } = await makeWorld({ faults: { stuckOff: true } });
    const bmc = connect();
    expect(await clock.until(bmc.sendPower("on"))).toEqual({ ok: true });
    await clock.advance(60_000);
    expect(await clock.until(bmc.readPower())).toEqual({
      ok: true,
      value: { on: false, doubtful: true },
    });
    expect(chassis.actions).toEqual([]);
  });

  it("has no session for one more console than its limit, until one has been idle for 60 s", async () => {
    const { clock, simulator, connect } = await makeWorld({ sessionLimit: 2 });
    await clock.until(connect().readPower());
    await clock.until(connect().readPower());
    expect(simulator.openSessions()).toBe(2);
    expect(await clock.until(connect().readPower())).toMatchObject({ error: { kind: "busy" } });
    // The consoles keep theirs alive for three minutes and give them back.
    await clock.advance(4 * 60_000);
    expect(await clock.until(connect().readPower())).toMatchObject({ ok: true });
  });

  it("keeps boot flags for longer than 60 s when a chassis control came in time", async () => {
    const { clock, chassis, connect } = await makeWorld({ faults: { refusedBootParameters: [3] } });
    const bmc = connect();
    await clock.until(bmc.setBootDevice({ device: "pxe", persistent: false, uefi: true }));
    await clock.advance(59_000);
    await clock.until(bmc.sendPower("on"));
    await clock.advance(120_000);
    expect(chassis.boot.selector).toBe(bootSelector.pxe);
  });
});

describe("simulator configuration", () => {
  const minimal = {
    address: "127.0.0.1",
    port: 0,
    guid: "00112233-4455-6677-8899-aabbccddeeff",
    users: [{ name: "admin", password: "hunter2" }],
  };

  it("needs address, port, GUID and a user only", () => {
    expect(parseSimulatorConfig(JSON.stringify(minimal))).toMatchObject({
      suites: [3, 17],
      sessionLimit: 4,
      dropRate: 0,
      users: [{ privilege: "administrator" }],
    });
  });

  it("takes all faults", () => {
    const faults = { dropRate: 0.1, powerDelayMs: 5000, stuckOff: true, refusedSuites: { 17: 1 } };
    expect(parseSimulatorConfig(JSON.stringify({ ...minimal, ...faults }))).toMatchObject(faults);
  });

  it("names all problems and no password when it is wrong", () => {
    const wrong = { ...minimal, port: 70_000, dropRate: 2, colour: "red" };
    const parse = (text: string) => () => parseSimulatorConfig(text);
    expect(parse(JSON.stringify(wrong))).toThrow(/port[^]*dropRate|dropRate[^]*port/);
    for (const text of [JSON.stringify(wrong), `{"users": "hunter2"`]) {
      expect(parse(text)).not.toThrow(/hunter2/);
    }
  });
});

describe("socket chassis", () => {
  it("speaks the words of the lab's machines", async () => {
    const folder = await mkdtemp(join(tmpdir(), "farrier-chassis-"));
    const path = join(folder, "chassis");
    const words: string[] = [];
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.once("data", (data) => {
        const request = data.toString().trim();
        words.push(request);
        socket.end(request === "get power" ? "power:1\nok\n" : "ok\n");
      });
    });
    await new Promise<void>((resolve) => server.listen(path, resolve));
    const chassis = makeSocketChassis(path);
    expect(await chassis.power()).toEqual({ on: true });
    for (const action of ["on", "off", "cycle", "reset", "soft"] as const) {
      await chassis.set(action);
    }
    await chassis.bootDevice({ selector: bootSelector.pxe, persistent: false, uefi: true });
    await chassis.bootDevice({ selector: bootSelector.disk, persistent: true, uefi: true });
    await chassis.bootDevice({ selector: bootSelector.none, persistent: false, uefi: false });
    expect(words).toEqual([
      "get power",
      "set power 1",
      "set power 0",
      "set cycle 1",
      "set reset 1",
      "set shutdown 1",
      "set boot pxe efi",
      "set boot disk persistent efi",
      "set boot none",
    ]);
    server.close();
    await rm(folder, { recursive: true });
  });
});
