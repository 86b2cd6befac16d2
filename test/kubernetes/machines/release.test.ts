// Which machine goes, when, and what becomes of its host. The names in brackets are those of upstream's observable
// behaviours.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HerdMachine } from "../herd/herd-plan.ts";
import { testNamespace } from "../host-watch.ts";
import { startMachineFleet, type MachineFleet } from "./machine-fleet.ts";
import { machineSet, machineSetName, workerObjects } from "./machine-objects.ts";
import { conditionOf, messageOf, type Held } from "./machine-words.ts";

const workers = `machineset/${machineSetName}`;
let world: MachineFleet;

beforeAll(async () => {
  world = await startMachineFleet({ machines: 3 });
  await world.addHosts(world.herd.machines.slice(0, 2));
});
afterAll(async () => await world?.stop());

const hostOf = ({ metadata }: Held): string =>
  metadata.annotations?.["metal3.io/BareMetalHost"]?.split("/")[1] ?? "";

function machineOn(host: string): HerdMachine {
  const found = world.herd.machines.find(({ name }) => name === host);
  if (found === undefined) throw new Error(`no machine ${host}`);
  return found;
}

interface Deployed {
  /** Of the Machine and the Metal3Machine. */
  readonly name: string;
  readonly host: string;
}

/** Scales up by one, and returns the new machine when it is deployed. */
async function addOne(): Promise<Deployed> {
  const before = await world.list("machines", machineSetName);
  const count = before.length + 1;
  await world.scale(workers, count);
  const are = ({ spec }: Held) => spec["providerID"] !== undefined;
  const all = await world.untilAll("metal3machines", machineSetName, { count, are });
  const added = all.find(
    ({ metadata: { name } }) => !before.some(({ metadata }) => metadata.name === name),
  );
  if (added === undefined) throw new Error("no machine was added");
  return { name: added.metadata.name, host: hostOf(added) };
}

const untilRunning = ({ name }: Deployed) =>
  world.until(`machine/${name}`, (held) => held.status?.["phase"] === "Running");

/** Scales down by one, and returns which machine went. */
async function removeOne(of: readonly Deployed[]): Promise<Deployed | undefined> {
  await world.scale(workers, of.length - 1);
  const left = await world.untilAll("machines", machineSetName, { count: of.length - 1 });
  return of.find(({ name }) => !left.some(({ metadata }) => metadata.name === name));
}

const untilFree = (host: string) =>
  world.fleet.hosts.until(
    host,
    ({ spec, status }) =>
      spec.consumerRef === undefined && status?.provisioning.state === "available",
    { timeoutMs: 60_000 },
  );

describe("a machine that goes", () => {
  let first: Deployed;
  let second: Deployed;

  it("is not linked to a Node while two say that they are it [M52]", async () => {
    first = await addOne();
    const { uid } = (await world.get(`bmh/${first.host}`)).metadata;
    const labels = { "metal3.io/uuid": uid };
    await world.join(machineOn(first.host), { name: "twin-1", labels });
    await world.join(machineOn(first.host), { name: "twin-2", labels });
    const held = await world.until(
      `metal3machine/${first.name}`,
      (seen) => conditionOf(seen, "farrier.dev/Node") === "False NodeConflict",
    );
    expect(messageOf(held, "farrier.dev/Node")).toMatch(/twin-1.*twin-2|twin-2.*twin-1/);
    await world.fleet.kubectl(["delete", "node/twin-2"]);
    await untilRunning(first);
    expect((await world.get("node/twin-1")).spec["providerID"]).toContain(first.name);
  });

  it("is the one that was marked [M55]", async () => {
    second = await addOne();
    await world.join(machineOn(second.host));
    await untilRunning(second);
    await world.fleet.kubectl([
      "annotate",
      `machine/${first.name}`,
      "cluster.x-k8s.io/delete-machine=",
    ]);
    expect(await removeOne([first, second])).toEqual(first);
    await untilFree(first.host);
  });

  it("is the newest or the oldest where the MachineSet says so [M56]", async () => {
    await world.patch(workers, { spec: { deletion: { order: "Newest" } } });
    const third = await addOne();
    await world.join(machineOn(third.host));
    await untilRunning(third);
    expect(await removeOne([second, third])).toEqual(third);
    await untilFree(third.host);
    await world.patch(workers, { spec: { deletion: { order: "Oldest" } } });
    const fourth = await addOne();
    await world.join(machineOn(fourth.host));
    await untilRunning(fourth);
    expect(await removeOne([second, fourth])).toEqual(second);
    await untilFree(second.host);
    first = fourth;
  });

  it("is held before its host is touched, for as long as a hook is there [M57]", async () => {
    const hook = "pre-drain.delete.hook.machine.cluster.x-k8s.io/farewell";
    await world.fleet.kubectl(["annotate", `machine/${first.name}`, `${hook}=`]);
    await world.scale(workers, 0);
    await world.until(
      `machine/${first.name}`,
      (held) =>
        messageOf(held, "Deleting").includes(hook) && held.metadata.deletionTimestamp !== undefined,
    );
    const { metadata } = await world.get(`metal3machine/${first.name}`);
    expect(metadata.deletionTimestamp).toBeUndefined();
    expect((await world.get(`bmh/${first.host}`)).spec).toHaveProperty("image");
    await world.fleet.kubectl(["annotate", `machine/${first.name}`, `${hook}-`]);
    await world.untilAll("machines", machineSetName, { count: 0 });
    await untilFree(first.host);
    expect(await world.fleet.kubectl(["get", "nodes", "--output=name"])).toBe("");
  });
});

describe("a host that is given back", () => {
  it("stays on where it may not be switched off [M59]", async () => {
    const { host } = await addOne();
    await world.patch(`bmh/${host}`, { spec: { disablePowerOff: true } });
    const since = world.fleet.hosts.history(host).length;
    await world.scale(workers, 0);
    // Its kubelet is quicker than the host's end: core knows nothing of this Node, nor of another machine's.
    await world.fleet.hosts.until(host, ({ spec }) => spec.image === undefined);
    await world.join(machineOn(host), { name: "unlinked" });
    await world.join({ ...machineOn(host), uuid: "6fa59e1e-0000-4000-8000-0000000009ff" });
    await untilFree(host);
    expect(await world.fleet.kubectl(["get", "nodes", "--output=name"])).toBe(`node/${host}`);
    await world.fleet.kubectl(["delete", `node/${host}`]);
    const seen = world.fleet.hosts.history(host).slice(since);
    expect(seen.filter(({ spec }) => spec.online !== true)).toEqual([]);
    await world.patch(`bmh/${host}`, { spec: { disablePowerOff: null } });
  });

  it("is waited for until it is off, when somebody else provisioned it [M60]", async () => {
    const hostSelector = { matchLabels: { there: "is-none" } };
    const pool = { template: "external", replicas: 1 };
    await world.fleet.apply(
      ...workerObjects({ hostSelector }, "external"),
      machineSet("external", pool),
    );
    const [waiting] = await world.untilAll("metal3machines", "external", { count: 1 });
    const name = waiting?.metadata.name ?? "";
    const consumerRef = {
      apiVersion: waiting?.apiVersion,
      kind: "Metal3Machine",
      name,
      namespace: testNamespace,
    };
    await world.fleet.apply(
      ...world.herd.objects(machineOn("h3"), { externallyProvisioned: true, consumerRef }),
    );
    await world.until(`metal3machine/${name}`, (held) => hostOf(held) === "h3");
    await world.fleet.hosts.until("h3", ({ status }) => status?.poweredOn === true);
    await world.scale("machineset/external", 0);
    const { status } = await world.fleet.hosts.until(
      "h3",
      ({ spec }) => spec.consumerRef === undefined,
      { timeoutMs: 60_000 },
    );
    expect(status).toMatchObject({
      poweredOn: false,
      provisioning: { state: "externally provisioned" },
    });
    await world.untilAll("metal3machines", "external", { count: 0 });
  });

  it("may be gone: its machine stays, and can be deleted [M61]", async () => {
    const { name, host } = await addOne();
    await world.fleet.kubectl(["delete", `bmh/${host}`, "--timeout=60s"]);
    const held = await world.get(`metal3machine/${name}`);
    expect(held.metadata.deletionTimestamp).toBeUndefined();
    await world.scale(workers, 0);
    await world.untilAll("machines", machineSetName, { count: 0 });
  });
});
