// What people, pipelines and controllers do to a cluster, command by command.
import { beforeEach, describe, expect, test } from "vitest";
import type { Command } from "../workload/scenario.ts";
import { findCanary } from "./canaries.ts";
import { CommandPlayer } from "./play-command.ts";
import type { ClusterCommand } from "./play-command.ts";
import { hostsPath, makeTestCluster, secretsPath, testNamespace } from "./test-cluster.ts";
import type { TestCluster } from "./test-cluster.ts";

let world: TestCluster;
let player: CommandPlayer;
let passwordNumber: number;

const host = "stable/metal/m1";
const path = `${hostsPath}/m1`;
const secret = `${secretsPath}/m1-bmc`;

type Untimed<T> = T extends unknown ? Omit<T, "atMs"> : never;

function play(command: Untimed<ClusterCommand>): Promise<void> {
  return world.kernel.until(player.play({ atMs: 0, ...command } as ClusterCommand));
}

const at = (where: string) => world.cluster.objects.get(where);

function passwordIn(where: string): string {
  const data = at(where)?.["data"] as { password?: string } | undefined;
  return Buffer.from(data?.password ?? "", "base64").toString();
}

beforeEach(async () => {
  world = makeTestCluster();
  passwordNumber = 1;
  const { kernel, cluster } = world;
  player = new CommandPlayer({
    kernel,
    random: kernel.random.split("commands"),
    clusters: new Map([["stable", cluster]]),
    image: (name) => ({ url: `http://images.example/${name}`, checksum: "0".repeat(64) }),
    machine: (name) => ({
      site: "site-1",
      bmcAddress: "ipmi://10.1.0.11:623",
      spec: { bootMACAddress: "52:54:01:00:01:00" },
      password: `canary-pw-${name}-${passwordNumber}`,
    }),
    machineOf: () => "m1",
  });
  await play({ kind: "create-host", host, machine: "m1", spec: {}, userData: "hostname: m1" });
});

describe("create-host", () => {
  test("makes namespace, Secrets and host, with planted secrets in them", () => {
    expect(at(path)).toMatchObject({
      metadata: { labels: { "farrier.dev/site": "site-1" }, generation: 1 },
      spec: {
        online: true,
        bmc: { address: "ipmi://10.1.0.11:623", credentialsName: "m1-bmc" },
        bootMACAddress: "52:54:01:00:01:00",
        userData: { name: "m1-user-data" },
      },
    });
    expect(passwordIn(secret)).toBe("canary-pw-m1-1");
    expect(findCanary(JSON.stringify(at(`${secretsPath}/m1-user-data`)))).toBeDefined();
    expect(findCanary("password: canary-pw-m1-1.")).toBe("canary-pw-m1-1");
    expect(findCanary("canary")).toBeUndefined();
  });

  test("waits until the last host of its name is gone", async () => {
    const { kernel, send, person } = world;
    const before = at(path)?.metadata.uid;
    await send(person, "PATCH", path, { metadata: { finalizers: ["x.example/1"] } });
    await play({ kind: "delete-host", host });
    const created = play({ kind: "create-host", host, machine: "m1", spec: {} });
    kernel.timer(20_000, () => {
      const finalizers = { metadata: { finalizers: null } };
      void person.request({ method: "PATCH", patch: "merge", path, body: finalizers });
    });
    await created;
    expect(at(path)?.metadata.uid).not.toBe(before);
    expect(at(path)?.metadata.deletionTimestamp).toBeUndefined();
  });

  test("insists when the API server is away", async () => {
    const { kernel, cluster } = world;
    cluster.faults.unreachable = true;
    kernel.timer(15_000, () => void (cluster.faults.unreachable = false));
    const other = "stable/horses/m2";
    await play({ kind: "create-host", host: other, machine: "m2", spec: {} });
    expect(at("/apis/metal3.io/v1alpha1/namespaces/horses/baremetalhosts/m2")).toBeDefined();
  });
});

describe("a change of a host", () => {
  test("names an image by its name, and removes it by null", async () => {
    await play({ kind: "patch-spec", host, patch: { image: { name: "a" } } });
    expect(at(path)?.spec?.["image"]).toMatchObject({ url: "http://images.example/a" });
    await play({ kind: "patch-spec", host, patch: { image: null } });
    expect(at(path)?.spec).not.toHaveProperty("image");
    expect(at(path)?.metadata.generation).toBe(3);
  });

  test.each(["dry-run-patch", "rejected-patch"] as const)("by %s is not stored", async (kind) => {
    const before = at(path);
    await play({ kind, host, patch: { online: false } });
    expect(at(path)).toBe(before);
    expect(world.reviews.at(-1)?.request.object).toMatchObject({ spec: { online: false } });
  });

  test("of annotations and finalizers leaves the spec", async () => {
    await play({ kind: "annotate", host, annotation: "reboot.metal3.io", value: "" });
    expect(at(path)?.metadata.annotations).toEqual({ "reboot.metal3.io": "" });
    await play({ kind: "annotate", host, annotation: "reboot.metal3.io", value: null });
    expect(at(path)?.metadata.annotations).toBeUndefined();
    const finalizers = ["baremetalhost.metal3.io"];
    await world.send(world.agent, "PATCH", path, { metadata: { finalizers } });
    await play({ kind: "delete-host", host });
    expect(at(path)?.metadata.deletionTimestamp).toBeDefined();
    await play({ kind: "remove-finalizer", host });
    expect(at(path)).toBeUndefined();
  });
});

describe("a BMC's Secret", () => {
  test("gets the new password after the lag", async () => {
    passwordNumber = 2;
    const done = play({ kind: "change-password", host, machine: "m1", lagMs: 30_000 });
    expect(passwordIn(secret)).toBe("canary-pw-m1-1");
    await done;
    expect(passwordIn(secret)).toBe("canary-pw-m1-2");
  });

  test("is wrong or gone for a while, whatever finalizer it has", async () => {
    const { kernel, send, agent } = world;
    const seen: (string | undefined)[] = [];
    const look = () => seen.push(at(secret) === undefined ? undefined : passwordIn(secret));
    kernel.timer(10_000, look);
    await play({ kind: "wrong-secret", host, lagMs: 20_000 });
    await send(agent, "PATCH", secret, { metadata: { finalizers: ["x.example/secret"] } });
    kernel.timer(10_000, look);
    await play({ kind: "delete-secret", host, lagMs: 20_000 });
    look();
    expect(seen).toEqual(["canary-wrong-1", undefined, "canary-pw-m1-1"]);
  });
});

describe("a namespace", () => {
  test("that is deleted loses its Secrets first, and waits for its hosts", async () => {
    const { send, person, kernel, told } = world;
    await send(person, "PATCH", path, { metadata: { finalizers: ["x.example/1"] } });
    await play({ kind: "delete-namespace", cluster: "stable", namespace: testNamespace });
    await kernel.run(kernel.nowMs() + 10_000);
    expect(at(secret)).toBeUndefined();
    expect(at(path)?.metadata.deletionTimestamp).toBeDefined();
    const deletions = told.flatMap((each) =>
      each.kind === "object" && each.by === "garbage collector" ? [each.path] : [],
    );
    expect(deletions.indexOf(secret)).toBeLessThan(deletions.indexOf(path));
    await send(person, "PATCH", path, { metadata: { finalizers: null } });
    await kernel.run(kernel.nowMs() + 10_000);
    expect(at(`/api/v1/namespaces/${testNamespace}`)).toBeUndefined();
  });
});

describe("claimers", () => {
  const names = ["one", "two", "three"];
  const status = {
    errorMessage: "",
    operationalStatus: "OK",
    poweredOn: false,
    provisioning: { state: "available", ID: "" },
  };
  const consumers = () =>
    ["m1", "m2", "m3"].map((name) => {
      const consumer = at(`${hostsPath}/${name}`)?.spec?.["consumerRef"];
      return (consumer as { name?: string } | undefined)?.name;
    });
  const claim = (claimer: string): Untimed<Command> => ({
    kind: "claim",
    cluster: "stable",
    namespace: testNamespace,
    claimer,
    image: "a",
    staleMs: 20_000,
  });

  beforeEach(async () => {
    for (const name of ["m2", "m3"]) {
      await play({ kind: "create-host", host: `stable/metal/${name}`, machine: name, spec: {} });
    }
    for (const name of ["m1", "m2", "m3"]) {
      await world.send(world.agent, "PATCH", `${hostsPath}/${name}/status`, { status });
    }
  });

  test("with stale caches end with a host each, and no host changes hands", async () => {
    await Promise.all(names.map((name) => play(claim(name) as Untimed<ClusterCommand>)));
    expect(new Set(consumers())).toEqual(new Set(names));
    for (const each of world.told) {
      if (each.kind !== "object") continue;
      const [before, after] = [each.before, each.after].map((form) => form?.spec?.["consumerRef"]);
      if (before !== undefined) expect(after).toEqual(before);
    }
  });

  test("whose answers get lost take no second host", async () => {
    world.cluster.faults.losesAnswers = 0.7;
    await play(claim("one") as Untimed<ClusterCommand>);
    await play(claim("one") as Untimed<ClusterCommand>);
    expect(consumers().filter((name) => name === "one")).toHaveLength(1);
  });

  test("give a host back in two steps", async () => {
    await play(claim("one") as Untimed<ClusterCommand>);
    const name = ["m1", "m2", "m3"][consumers().indexOf("one")];
    const held = `${hostsPath}/${name}`;
    const inState = (state: string) => ({ status: { ...status, provisioning: { state, ID: "" } } });
    await world.send(world.agent, "PATCH", `${held}/status`, inState("provisioned"));
    const released = play({
      kind: "release",
      cluster: "stable",
      namespace: testNamespace,
      claimer: "one",
      staleMs: 1_000,
    });
    world.kernel.timer(60_000, () => {
      expect(at(held)?.spec).toMatchObject({ online: false, consumerRef: { name: "one" } });
      expect(at(held)?.spec).not.toHaveProperty("image");
      const body = inState("available");
      const path = `${held}/status`;
      void world.agent.request({ method: "PATCH", patch: "merge", path, body });
    });
    await released;
    expect(consumers()).toEqual([undefined, undefined, undefined]);
  });
});
