// Which host a machine gets, and which never. The names in brackets are those of upstream's observable behaviours.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { HerdMachine } from "../herd/herd-plan.ts";
import { secretObject } from "../objects.ts";
import { testNamespace } from "../host-watch.ts";
import { startMachineFleet, type MachineFleet } from "./machine-fleet.ts";
import { machineSet, machineSetName, workerObjects } from "./machine-objects.ts";
import { conditionOf, messageOf, type Held } from "./machine-words.ts";

const failureDomainLabel = "infrastructure.cluster.x-k8s.io/failure-domain";
const workers = `machineset/${machineSetName}`;

/** Available hosts that nobody may take, and what is said of each; h1 has nothing wrong with it. */
const flaws = {
  h2: { what: "other consumer", reason: "1 has another consumer (h2)" },
  h3: { what: "error", reason: "1 has an error (h3)" },
  h4: { what: "paused", reason: "1 is paused (h4)" },
  h5: { what: "unhealthy", reason: "2 are marked as unhealthy (h5, h6)" },
  h6: { what: "unhealthy, as it was called before", reason: "2 are marked as unhealthy (h5, h6)" },
  h7: { what: "being deleted", reason: "1 is being deleted (h7)" },
  h8: { what: "not available", reason: "1 is externally provisioned (h8)" },
} as const;
const elsewhere = "elsewhere";

let world: MachineFleet;
const machineOf = (name: string): HerdMachine => {
  const found = world.herd.machines.find((machine) => machine.name === name);
  if (found === undefined) throw new Error(`no machine ${name}`);
  return found;
};

beforeAll(async () => {
  world = await startMachineFleet({ machines: 9 });
  const { fleet, herd } = world;
  await fleet.kubectl(["create", "namespace", elsewhere]);
  const away = herd.objects(machineOf("h9")).map((object) => {
    const { metadata } = object as { readonly metadata: object };
    return { ...object, metadata: { ...metadata, namespace: elsewhere } };
  });
  await fleet.kubernetes.kubectl(["apply", "--filename=-"], {
    input: JSON.stringify({ apiVersion: "v1", kind: "List", items: away }),
  });
  await fleet.apply(...herd.objects(machineOf("h8"), { externallyProvisioned: true }));
  await world.addHosts(["h2", "h3", "h4", "h5", "h6", "h7"].map(machineOf));
  await fleet.hosts.until("h9", ({ status }) => status?.provisioning.state === "available", {
    namespace: elsewhere,
  });
  await spoil();
});
afterAll(async () => await world?.stop());

async function spoil(): Promise<void> {
  const { fleet } = world;
  const consumerRef = { apiVersion: "v1", kind: "ConfigMap", name: "a", namespace: testNamespace };
  await world.patch("bmh/h2", { spec: { consumerRef } });
  await fleet.apply(secretObject("h3", { username: "nobody", password: "wrong" }));
  const annotate = (name: string, text: string) => fleet.kubectl(["annotate", `bmh/${name}`, text]);
  await annotate("h4", "baremetalhost.metal3.io/paused=");
  await annotate("h5", "capm3.metal3.io/unhealthy=");
  await annotate("h6", "capi.metal3.io/unhealthy=");
  // Else its deletion is over before anybody has looked at it.
  await annotate("h7", 'baremetalhost.metal3.io/detached={"deleteAction":"delay"}');
  await fleet.kubectl(["delete", "bmh/h7", "--wait=false"]);
  await fleet.hosts.until("h3", ({ status }) => status?.errorMessage !== "");
}

/** Names of hosts that Metal3Machines use, by the machine's name. */
function consumers(): ReadonlyMap<string, string> {
  return new Map(
    world.fleet.hosts
      .all()
      .flatMap(({ metadata, spec: { consumerRef } }) =>
        consumerRef?.kind === "Metal3Machine"
          ? [[consumerRef.name ?? "", metadata.name] as const]
          : [],
      ),
  );
}

const hasHost = ({ metadata }: Held) =>
  metadata.annotations?.["metal3.io/BareMetalHost"] !== undefined;

/** The hosts of a pool, once each machine has one. */
async function hostsOf(pool: string, count: number): Promise<readonly string[]> {
  const held = await world.untilAll("metal3machines", pool, { count, are: hasHost });
  return held.map(({ metadata }) => metadata.annotations?.["metal3.io/BareMetalHost"] ?? "");
}

async function empty(pool: string): Promise<void> {
  await world.scale(`machineset/${pool}`, 0);
  await world.untilAll("machines", pool, { count: 0 }, 120_000);
}

const local = (name: string) => `${testNamespace}/${name}`;

describe("without a host that may be taken", () => {
  it("a machine waits and says of each why not [M16 M18 M19 M20 M21 M22 M25]", async () => {
    await world.scale(workers, 1);
    const [waiting] = await world.untilAll("metal3machines", machineSetName, {
      count: 1,
      are: (held) => conditionOf(held, "AssociateBareMetalHost") !== undefined,
    });
    if (waiting === undefined) throw new Error("no machine");
    // What was spoilt last may reach the control plane after the first look at the hosts.
    const told = await world.until(`metal3machine/${waiting.metadata.name}`, (held) => {
      const message = messageOf(held, "AssociateBareMetalHost");
      return Object.values(flaws).every(({ reason }) => message.includes(reason));
    });
    expect(conditionOf(told, "AssociateBareMetalHost")).toBe("False AssociateBareMetalHostFailed");
    const message = messageOf(told, "AssociateBareMetalHost");
    expect(message).toContain("no available host found: 7 hosts looked at");
    expect(message).not.toContain("h9");
    expect(consumers()).toEqual(new Map());
  });

  it("it takes the first that appears, at once [M26]", async () => {
    await world.addHosts([machineOf("h1")]);
    const startedAt = Date.now();
    expect(await hostsOf(machineSetName, 1)).toEqual([local("h1")]);
    expect(Date.now() - startedAt).toBeLessThan(10_000);
  });

  it("it notes its host again where that note was removed [M23]", async () => {
    const [machine] = await world.list("metal3machines", machineSetName);
    const name = `metal3machine/${machine?.metadata.name}`;
    await world.fleet.kubectl(["annotate", name, "metal3.io/BareMetalHost-"]);
    await world.until(name, hasHost);
    expect([...consumers().values()]).toEqual(["h1"]);
    await empty(machineSetName);
  });
});

/** Makes the spoilt hosts fit, with these labels; h7 goes for good. */
async function mend(): Promise<void> {
  const { fleet } = world;
  await world.patch("bmh/h7", { metadata: { finalizers: null } });
  await world.patch("bmh/h2", { spec: { consumerRef: null } });
  await fleet.apply(secretObject("h3"));
  await fleet.kubectl(["annotate", "bmh/h4", "baremetalhost.metal3.io/paused-"]);
  await fleet.kubectl(["annotate", "bmh/h5", "capm3.metal3.io/unhealthy-"]);
  await fleet.kubectl(["annotate", "bmh/h6", "capi.metal3.io/unhealthy-"]);
  await fleet.hosts.until("h3", ({ status }) => status?.errorMessage === "");
}

describe("a selector", () => {
  it("is obeyed, with labels and with each operator [M17]", async () => {
    await mend();
    const label = (name: string, ...labels: readonly string[]) =>
      world.fleet.kubectl(["label", `bmh/${name}`, ...labels]);
    await label("h2", "size=pony", "colour=bay");
    await label("h3", "size=shire", "colour=bay");
    await label("h4", "size=shire", "colour=roan", "sold=");
    await label("h5", "size=shire", "colour=roan");
    const expression = (key: string, operator: string, ...values: readonly string[]) => ({
      key,
      operator,
      values,
    });
    const pools = {
      labels: { selector: { matchLabels: { size: "pony" } }, host: "h2" },
      expressions: {
        selector: {
          matchLabels: { size: "shire" },
          matchExpressions: [
            expression("colour", "In", "roan", "black"),
            expression("sold", "DoesNotExist"),
          ],
        },
        host: "h5",
      },
      words: {
        selector: {
          matchExpressions: [expression("size", "exists"), expression("colour", "notin", "roan")],
          matchLabels: { size: "shire" },
        },
        host: "h3",
      },
    };
    for (const [name, { selector }] of Object.entries(pools)) {
      await world.fleet.apply(
        ...workerObjects({ hostSelector: selector }, name),
        machineSet(name, { template: name, replicas: 1 }),
      );
    }
    for (const [name, { host }] of Object.entries(pools)) {
      expect(await hostsOf(name, 1)).toEqual([local(host)]);
    }
    await Promise.all(Object.keys(pools).map(empty));
  });
});

describe("a failure domain", () => {
  it("is preferred, and left where it is full [M24]", async () => {
    await world.fleet.kubectl(["label", "bmh/h6", `${failureDomainLabel}=barn`]);
    const machine = { failureDomain: "barn" };
    await world.fleet.apply(machineSet("barn", { machine, replicas: 1 }));
    expect(await hostsOf("barn", 1)).toEqual([local("h6")]);
    await world.scale("machineset/barn", 2);
    const hosts = await hostsOf("barn", 2);
    expect(hosts).toContain(local("h6"));
    expect(new Set(hosts).size).toBe(2);
    const [held] = await world.list("metal3machines", "barn");
    expect(held?.spec["failureDomain"]).toBe("barn");
    await empty("barn");
  });
});

describe("machines at once", () => {
  it("get a host each [M27]", async () => {
    await world.scale(workers, 6);
    const hosts = await hostsOf(machineSetName, 6);
    expect(hosts.toSorted()).toEqual(["h1", "h2", "h3", "h4", "h5", "h6"].map(local));
    expect(new Set(consumers().values()).size).toBe(6);
  });
});
