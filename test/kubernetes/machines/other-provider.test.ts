// Farrier's hosts in the hands of a Metal3 machine provider that is not Farrier's: it uses them from first to last,
// beside Farrier's own machines, and in their place. Released providers do the same from outside (other-provider/).
import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { testNamespace } from "../host-watch.ts";
import { untilDecided } from "../until-decided.ts";
import type { HerdMachine } from "../herd/herd-plan.ts";
import { moveHost } from "./other-provider/move-host.ts";
import { connectHostApi, type HostApi, type SeenHost } from "./other-provider/host-api.ts";
import { startOtherProvider, stateOf, type OtherProvider } from "./other-provider/provider.ts";
import { startMachineFleet, type MachineFleet } from "./machine-fleet.ts";
import { clusterName, machineSet, workerObjects } from "./machine-objects.ts";
import { messageOf, type Held } from "./machine-words.ts";

let world: MachineFleet;
let api: HostApi;
let provider: OtherProvider;
/** Of each host, as the provider's watch told. */
const seen = new Map<string, SeenHost[]>();

const [life, wanted, external, custom] = ["h1", "h2", "h3", "h4"] as const;

/** What a provider's own rights are, as far as hosts go: it cannot write a status. */
const rules = [
  { apiGroups: ["metal3.io"], resources: ["baremetalhosts"] },
  { apiGroups: [""], resources: ["secrets"] },
  { apiGroups: ["coordination.k8s.io"], resources: ["leases"] },
].map((rule) => ({ ...rule, verbs: ["get", "list", "watch", "create", "update", "patch"] }));

beforeAll(async () => {
  world = await startMachineFleet({ machines: 4 });
  const { fleet, herd } = world;
  const kubeconfig = await fleet.kubernetes.kubeconfigFor({ name: "other-provider", rules });
  api = await connectHostApi(kubeconfig, testNamespace);
  provider = startOtherProvider(api, testNamespace);
  void api.watch((host) => {
    const { name } = host.metadata;
    seen.set(name, [...(seen.get(name) ?? []), host]);
  });
  const machine = (name: string): HerdMachine => {
    const found = herd.machines.find((each) => each.name === name);
    if (found === undefined) throw new Error(`no machine ${name}`);
    return found;
  };
  await fleet.apply(...herd.objects(machine(external), { externallyProvisioned: true }));
  await world.addHosts([life, wanted, custom].map(machine));
  await fleet.kubectl(["label", "bmh", "--all", "stall=kept"]);
});
afterAll(async () => {
  api?.stop();
  await world?.stop();
});

function statesOf(name: string): readonly string[] {
  const states = (seen.get(name) ?? []).map(stateOf);
  return states.filter((state, at) => state !== states[at - 1]);
}

const only = async (name: string): Promise<SeenHost> => {
  await world.fleet.kubectl(["label", "--overwrite", `bmh/${name}`, `stall=${name}`]);
  const host = await provider.choose({ stall: name });
  if (host === undefined) throw new Error(`${name} is not free`);
  return host;
};
const isIn = (state: string) => (host: SeenHost) => stateOf(host) === state;
const isFree = (host: SeenHost) =>
  stateOf(host) === "available" && host.spec.consumerRef === undefined;
const annotations = ({ metadata }: SeenHost) => metadata.annotations ?? {};

/** What must have ended before Farrier's machine side has to stand back. */
const customOver = Promise.withResolvers<void>();
const ownOver = Promise.withResolvers<void>();

describe.concurrent("a provider that is not Farrier's", () => {
  const machine = { name: "foreign-life", clusterName };
  const image = () => ({ ...world.herd.image, format: "raw" });

  it("uses a host from its first to its last state, and reads of it what it needs", async () => {
    const host = await only(life);
    expect(host).toMatchObject({
      metadata: { uid: expect.stringMatching(/^[-0-9a-f]{36}$/) },
      status: {
        hardware: {
          nics: [{ name: expect.any(String), mac: expect.any(String), ip: expect.any(String) }],
        },
      },
    });
    await provider.claim(machine, host);
    await world.fleet.apply(
      secret("foreign-user", "#cloud-config\n"),
      secret("foreign-meta", "stall: third\n"),
      secret("foreign-network", "links: []\nnetworks: []\nservices: []\n"),
    );
    const data = {
      userData: { name: "foreign-user", namespace: testNamespace },
      metaData: { name: "foreign-meta", namespace: testNamespace },
      networkData: { name: "foreign-network", namespace: testNamespace },
    };
    const deployment = { image: image(), ...data, automatedCleaningMode: "metadata" };
    await provider.deploy(life, deployment);
    const deployed = await provider.until(life, isIn("provisioned"));
    expect(deployed.status).toMatchObject({ poweredOn: true, errorMessage: "" });
    expect(deployed.metadata.uid).toBe(host.metadata.uid);
    expect(annotations(deployed)).toMatchObject({ "clusterctl.cluster.x-k8s.io/block-move": "" });

    await provider.powerOff(life);
    await provider.powerOn(life);
    expect(annotations(await api.get(life))).not.toHaveProperty(
      `reboot.metal3.io/metal3-remediation-${host.metadata.uid}`,
    );

    await provider.pause(life);
    await api.patch(life, { spec: { online: false } });
    await untilDecided(world.fleet, life);
    expect((await api.get(life)).status).toMatchObject({ poweredOn: true });
    await api.patch(life, { spec: { online: true } });
    const told = (await world.herd.events(life)).length;
    await moveHost(world.fleet, life);
    await provider.resume(life);
    // Its HardwareData, which is made after it, may be told of after it.
    const moved = await provider.until(
      life,
      (now) =>
        isIn("provisioned")(now) &&
        !("baremetalhost.metal3.io/status" in annotations(now)) &&
        now.status?.["hardware"] !== undefined,
    );
    expect(moved.metadata.uid).not.toBe(host.metadata.uid);
    expect(moved.status).toMatchObject({ poweredOn: true, errorMessage: "" });
    await untilDecided(world.fleet, life);
    expect((await world.herd.events(life)).slice(told)).toEqual([]);

    const url = `${world.herd.image.url}?again`;
    await api.patch(life, { spec: { image: { ...image(), url } } });
    await provider.until(life, isIn("deprovisioning"));
    await provider.until(life, isIn("provisioned"));

    await provider.markUnhealthy(life);
    await provider.release(machine, life);
    const free = await provider.until(life, isFree);
    expect(free.metadata.labels).not.toHaveProperty("cluster.x-k8s.io/cluster-name");
    expect(free.spec).toMatchObject({ online: false });
    expect(await provider.choose({ stall: life })).toBeUndefined();
    expect(statesOf(life)).toEqual([
      "",
      "registering",
      "inspecting",
      "preparing",
      "available",
      "provisioning",
      "provisioned",
      "",
      "provisioned",
      "deprovisioning",
      "available",
      "provisioning",
      "provisioned",
      "deprovisioning",
      "available",
    ]);
    const events = await world.herd.events(life);
    expect(events.map(({ kind }) => kind)).toContain("operating-system");
  });

  it("lets go of a host that somebody else provisioned when it is off", async () => {
    const external1 = { name: "foreign-external", clusterName };
    const host = await provider.until(external, ({ status }) => status?.poweredOn === true);
    expect(await provider.choose({ stall: "kept" })).not.toMatchObject({
      metadata: { name: external },
    });
    await provider.claim(external1, host);
    await provider.release(external1, external);
    const left = await provider.until(external, ({ spec }) => spec.consumerRef === undefined);
    expect(left.status).toMatchObject({ poweredOn: false, errorMessage: "" });
    expect(stateOf(left)).toBe("externally provisioned");
  });

  it("is told by an error of what Farrier cannot deploy, and can leave the host", async () => {
    const third = { name: "foreign-custom", clusterName };
    await provider.claim(third, await only(custom));
    await provider.deploy(custom, { customDeploy: { method: "install_coreos" } });
    const told = await provider.until(custom, ({ status }) => (status?.errorMessage ?? "") !== "");
    expect(told.status?.errorMessage).toContain("customDeploy");
    expect(stateOf(told)).toBe("available");
    await provider.release(third, custom, "for reuse");
    const kept = await provider.until(custom, ({ status }) => status?.errorMessage === "");
    expect(kept.spec.consumerRef).toMatchObject({ kind: "Cluster", name: clusterName });
    expect(await provider.choose({ stall: custom })).toBeUndefined();
    const fourth = { name: "foreign-reuse", clusterName };
    await provider.claim(fourth, kept);
    await provider.release(fourth, custom);
    await provider.until(custom, isFree);
    expect((await provider.choose({ stall: custom }))?.metadata.name).toBe(custom);
    customOver.resolve();
  });

  it("gets the last host or another does, Farrier's own machine among them, and nobody two", async () => {
    const hostSelector = { matchLabels: { last: "host" } };
    await world.fleet.apply(
      ...workerObjects({ image: { ...world.herd.image, diskFormat: "raw" }, hostSelector }, "own"),
      machineSet("own", { template: "own", replicas: 1 }),
    );
    const first = { name: "foreign-first", clusterName };
    await provider.claim(first, await only(wanted));
    await world.fleet.kubectl(["label", `bmh/${wanted}`, "last=host"]);
    const own = await machineOf("own", (held) =>
      messageOf(held, "AssociateBareMetalHost").includes("1 has another consumer (h2)"),
    );
    const others = ["foreign-a", "foreign-b"].map(contend);
    await provider.release(first, wanted);
    await Promise.all(others);

    const held = await provider.until(
      wanted,
      ({ spec }) => spec.consumerRef?.["name"] === own.metadata.name,
    );
    const late = provider.claim({ name: "foreign-late", clusterName }, held);
    await expect(late).rejects.toThrow("names another consumer; remove it first");
    await provider.until(wanted, ({ spec }) => spec.image !== undefined);
    expectNothingStolen(seen.get(wanted) ?? [], own.metadata.name);
    await world.scale("machineset/own", 0);
    await world.untilAll("metal3machines", "own", { count: 0 });
    await provider.until(wanted, isFree);
    ownOver.resolve();
  });

  it("has the Metal3Machines to itself while it leads, and hands them over with their hosts", async () => {
    await Promise.all([customOver.promise, ownOver.promise]);
    const lease = ["capm3-system", "controller-leader-election-capm3"] as const;
    await world.fleet.kubectl(["create", "namespace", lease[0]]);
    let isLeading = true;
    void (async () => {
      for (; isLeading; await sleep(2_000)) await api.renewLease(...lease, "the-test");
    })();
    await untilLogged("Another Metal3 machine provider leads in this cluster");
    await world.fleet.apply(machineSet("led", { template: "own", replicas: 1 }));
    const { metadata } = await machineOf("led");
    const { name, uid } = metadata;
    await provider.claim({ name, uid, clusterName }, await only(custom));
    await provider.deploy(custom, { image: image() });
    await provider.until(custom, isIn("provisioned"));
    const held = await world.get(`metal3machine/${name}`);
    expect(held.metadata.finalizers).toBeUndefined();
    expect(held).not.toHaveProperty("status");
    expect(held.spec).not.toHaveProperty("providerID");

    isLeading = false;
    await api.renewLease(...lease, "");
    const providerID = `metal3://${testNamespace}/${custom}/${name}`;
    await world.until(`metal3machine/${name}`, ({ spec }) => spec["providerID"] === providerID);
    await world.scale("machineset/led", 0);
    await world.untilAll("metal3machines", "led", { count: 0 });
    const free = await provider.until(custom, isFree);
    expect(free.metadata).not.toHaveProperty("ownerReferences");
    expect(free.metadata).not.toHaveProperty("deletionTimestamp");
    expect(statesOf(custom).slice(-5)).toEqual([
      "available",
      "provisioning",
      "provisioned",
      "deprovisioning",
      "available",
    ]);
  });
});

async function untilLogged(text: string): Promise<void> {
  while (!(await readFile(world.fleet.agent.logFile, "utf8")).includes(text)) await sleep(100);
}

/** Claims the last host whenever it is free and gives it back, until it had it twice or Farrier's machine has it. */
async function contend(name: string): Promise<void> {
  const machine = { name, clusterName };
  for (let claims = 0; claims < 2; await sleep(20)) {
    const host = await provider.choose({ last: "host" });
    if (host !== undefined && (await wins(() => provider.claim(machine, host)))) {
      claims += 1;
      expect((await api.get(wanted)).spec.consumerRef).toMatchObject({ name });
      await provider.release(machine, wanted);
    }
    const { consumerRef } = (await api.get(wanted)).spec;
    if (consumerRef?.["name"]?.startsWith("own-") === true) return;
  }
}

async function wins(claim: () => Promise<void>): Promise<boolean> {
  try {
    await claim();
    return true;
  } catch {
    return false;
  }
}

function expectNothingStolen(hosts: readonly SeenHost[], own: string): void {
  const consumers = hosts.map(({ spec }) => spec.consumerRef?.["name"]);
  const visits = consumers.filter((name, at) => name !== consumers[at - 1]);
  expect(visits.length).toBeGreaterThan(2);
  for (const [at, name] of visits.entries())
    if (name !== undefined) expect([at, visits[at - 1]]).toEqual([at, undefined]);
  for (const { spec } of hosts)
    if (spec.image !== undefined) expect(spec.consumerRef).toMatchObject({ name: own });
}

async function machineOf(pool: string, are: (held: Held) => boolean = () => true): Promise<Held> {
  const [found] = await world.untilAll("metal3machines", pool, { count: 1, are });
  if (found === undefined) throw new Error("no machine");
  return found;
}

/** As cluster-api and its bootstrap providers make them. */
function secret(name: string, value: string): object {
  const metadata = { name, namespace: testNamespace };
  return { apiVersion: "v1", kind: "Secret", metadata, stringData: { value } };
}
