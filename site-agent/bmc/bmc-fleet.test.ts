import { describe, expect, it } from "vitest";
import { makeVirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";
import { makeNodeCrypto } from "../adapters/node-crypto.ts";
import type { Clock, Crypto, Udp } from "../ports.ts";
import { makeBmcFleet } from "./bmc-fleet.ts";

const untouched = (): never => {
  throw new Error("nothing may be sent for an address that cannot be used");
};
const log = { info: untouched, warn: untouched, error: untouched };
const access = { username: "admin", password: "secret", credentialsVersion: "1" };
const fleet = makeBmcFleet({ udp: {} as Udp, clock: {} as Clock, crypto: {} as Crypto, log });

function ask(address: string) {
  return fleet.bmc({ ...access, address });
}

describe("BMC fleet", () => {
  it.each(["ipmi://192.0.2.1", "libvirt://192.0.2.1:6230", "192.0.2.1"])(
    "has a BMC for %s without sending anything",
    (address) => {
      expect(ask(address).ok).toBe(true);
    },
  );

  it("says address when the scheme is one of Redfish", () => {
    const bmc = ask("redfish-virtualmedia://192.0.2.1/redfish/v1/Systems/1");
    expect(bmc).toMatchObject({ ok: false, error: { kind: "address" } });
    expect(bmc.ok ? "" : bmc.error.message).toContain(
      'scheme "redfish-virtualmedia" is not supported yet by this agent',
    );
  });

  it("logs in to none while another process has the agent's identity [S13 S15]", async () => {
    const memory = { read: () => ({}), write: untouched };
    const clock = makeVirtualClock();
    const about = { clock, key: new Uint8Array(32), isAlone: () => false, isTaken: () => true };
    const logins = { ...about, memoryOf: () => memory };
    const ports = { udp: {} as Udp, clock, crypto: makeNodeCrypto(), log, logins };
    const bmc = makeBmcFleet(ports).bmc({ ...access, address: "ipmi://192.0.2.1" });
    const power = bmc.ok ? await bmc.value.readPower() : bmc;
    expect(power).toMatchObject({ ok: false, error: { kind: "busy" } });
  });

  it("says address when there is no sense in it", () => {
    expect(ask("ipmi://a host")).toMatchObject({ ok: false, error: { kind: "address" } });
  });
});
