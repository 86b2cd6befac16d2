// Hosts that nobody may touch: paused ones, for which nothing moves at all, and detached ones, whose object moves
// while their machine is left alone.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BareMetalHost } from "../../shared/metal3/bare-metal-host.ts";
import type { TestBmc } from "./bmcs.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { hostObject, secretObject } from "./objects.ts";
import { untilDecided as untilHostDecided } from "./until-decided.ts";

let fleet: Fleet;
const bmcs = new Map<string, TestBmc>();
const paused = "baremetalhost.metal3.io/paused";
const detached = "baremetalhost.metal3.io/detached";

const namesOfHosts = ["asleep", "stopped", "detached", "delayed", "dropped"] as const;

beforeAll(async () => {
  fleet = await startFleet();
  for (const name of namesOfHosts) {
    const bmc = await fleet.bmcs.add();
    bmcs.set(name, bmc);
    const annotations = name === "asleep" ? { [paused]: "metal3.io/capm3" } : {};
    const spec = {
      externallyProvisioned: true,
      online: true,
      bmc: { address: bmc.url, credentialsName: name },
    };
    await fleet.apply(secretObject(name), hostObject(name, spec, { annotations }));
  }
  for (const name of namesOfHosts.slice(1)) await fleet.hosts.until(name, isUp);
});
afterAll(async () => await fleet?.stop());

function bmcOf(name: string): TestBmc {
  const bmc = bmcs.get(name);
  if (bmc === undefined) throw new Error(`no BMC ${name}`);
  return bmc;
}

const isUp = ({ status }: BareMetalHost) =>
  status?.provisioning.state === "externally provisioned" && status.poweredOn;

const patch = (name: string, change: object) =>
  fleet.kubectl(["patch", "bmh", name, "--type=merge", `-p=${JSON.stringify(change)}`]);
const annotate = (name: string, key: string, value: string | null) =>
  patch(name, { metadata: { annotations: { [key]: value } } });

const untilDecided = (name: string) => untilHostDecided(fleet, name);

describe("a paused host", () => {
  it("that is new gets no status, no finalizer and no login until it is let go [B86]", async () => {
    const { metadata, status } = await untilDecided("asleep");
    expect(status).toBeUndefined();
    expect(metadata.finalizers).toBeUndefined();
    expect(metadata.generation).toBe(1);
    expect(bmcOf("asleep").simulator.record.attempts).toBe(0);
    const secret = await fleet.kubectl(["get", "secret", "asleep", "--output=json"]);
    expect(JSON.parse(secret)).not.toHaveProperty("metadata.finalizers");
    await annotate("asleep", paused, null);
    await fleet.hosts.until("asleep", isUp);
  });

  it("is not switched, not even deleted, until it is let go [B86]", async () => {
    await annotate("stopped", paused, "");
    const before = await untilDecided("stopped");
    await patch("stopped", { spec: { online: false } });
    await fleet.kubectl(["delete", "bmh", "stopped", "--wait=false"]);
    const { metadata, status } = await untilDecided("stopped");
    expect(metadata.deletionTimestamp).toBeDefined();
    expect(metadata.finalizers).toEqual(["baremetalhost.metal3.io"]);
    expect(status).toEqual(before.status);
    expect(bmcOf("stopped").chassis.actions).toEqual(["on"]);
    await annotate("stopped", paused, null);
    await fleet.hosts.untilGone("stopped");
    expect(bmcOf("stopped").chassis.actions).toEqual(["on", "off"]);
  });
});

describe("a detached host", () => {
  const isDetached = ({ status }: BareMetalHost) => status?.operationalStatus === "detached";

  it("keeps its state and its power, and may get another BMC [B80 B84 B85]", async () => {
    await annotate("detached", detached, "false");
    const { status } = await fleet.hosts.until("detached", isDetached);
    expect(status?.provisioning.state).toBe("externally provisioned");
    const ready = status?.conditions?.find(({ type }) => type === "Ready");
    expect(ready).toMatchObject({ status: "False", reason: "Detached" });
    const other = await fleet.bmcs.add({ on: true });
    await patch("detached", { spec: { online: false, bmc: { address: other.url } } });
    await untilDecided("detached");
    expect(bmcOf("detached").chassis.actions).toEqual(["on"]);
    expect(other.simulator.record.attempts).toBe(0);
    await annotate("detached", detached, null);
    const again = await fleet.hosts.until(
      "detached",
      (host) => host.status?.operationalStatus === "OK" && !host.status.poweredOn,
    );
    expect(again.status?.operationHistory?.provision?.start ?? null).toBeNull();
    expect(fleet.hosts.states("detached").at(-1)).toBe("externally provisioned");
    expect(other.chassis.actions).toEqual(["soft"]);
    expect(bmcOf("detached").chassis.actions).toEqual(["on"]);
  });

  it("is deleted without its machine being touched [B82]", async () => {
    await annotate("dropped", detached, "");
    await fleet.hosts.until("dropped", isDetached);
    await fleet.kubectl(["delete", "bmh", "dropped", "--timeout=30s"]);
    expect(fleet.hosts.states("dropped").slice(-2)).toEqual(["externally provisioned", "deleting"]);
    expect(bmcOf("dropped").chassis.actions).toEqual(["on"]);
    await fleet.kubectl(["wait", "--for=delete", "secret/dropped", "--timeout=30s"]);
  });

  it("stays when its deletion is delayed, until that changes [B83]", async () => {
    await annotate("delayed", detached, '{"deleteAction":"delay"}');
    await fleet.hosts.until("delayed", isDetached);
    await fleet.kubectl(["delete", "bmh", "delayed", "--wait=false"]);
    const { metadata, status } = await untilDecided("delayed");
    expect(metadata.deletionTimestamp).toBeDefined();
    expect(status?.provisioning.state).toBe("externally provisioned");
    await annotate("delayed", detached, '{"deleteAction":"delete"}');
    await fleet.hosts.untilGone("delayed");
    expect(bmcOf("delayed").chassis.actions).toEqual(["on"]);
  });
});
