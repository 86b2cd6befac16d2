// The founding story, typed command by command: machine.openshift.io Machines and MachineSets, with no
// machine-api-operator. The names in brackets are those of upstream's observable behaviours.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BareMetalHost } from "../../../shared/metal3/bare-metal-host.ts";
import { startFleet, type Fleet } from "../fleet.ts";
import type { HerdMachine } from "../herd/herd-plan.ts";
import { startHerd, type Herd } from "../herd/start-herd.ts";
import { kubectlWords, type KubectlWords } from "../kubectl-words.ts";
import { hostObject, secretObject } from "../objects.ts";
import { nodeObject } from "./machine-fleet.ts";
import {
  conditionOf,
  machineWords,
  messageOf,
  type Held,
  type MachineWords,
} from "./machine-words.ts";
import {
  consumerOf,
  machine,
  machineSet,
  namespace,
  placed,
  providerSpec,
  setName,
  userData,
} from "./openshift-objects.ts";

let fleet: Fleet;
let herd: Herd;
let words: KubectlWords & MachineWords;
let worker: HerdMachine;

const workers = `machineset/${setName}`;
const workerHost = "openshift-worker-0";
const masters = [0, 1, 2] as const;
const taint = { key: "oats", value: "only", effect: "PreferNoSchedule" };

beforeAll(async () => {
  fleet = await startFleet({ openShift: true });
  herd = await startHerd(fleet.lab, 1);
  const [first] = herd.machines;
  if (first === undefined) throw new Error("an empty herd");
  worker = first;
  const own = kubectlWords(fleet.kubernetes, namespace);
  words = { ...own, ...machineWords(own) };
  await words.kubectl(["create", "namespace", namespace]);
  const image = { ...herd.image, diskFormat: "raw" };
  const spec = { metadata: { labels: { stall: "clean" } }, taints: [taint] };
  const workersSpec = { ...spec, providerSpec: providerSpec(image) };
  await words.apply(userData(), machineSet(setName, workersSpec));
  await words.apply(...(await masterObjects()), ...placed(herd.objects(worker), workerHost));
  await untilHost("available");
});
afterAll(async () => await fleet?.stop());

/** Installed with the cluster: Farrier has only to know whose they are. */
async function masterObjects(): Promise<object[]> {
  const objects = await Promise.all(
    masters.map(async (number) => {
      const name = `openshift-master-${number}`;
      const { url } = await fleet.bmcs.add({ on: true });
      const consumerRef = consumerOf(`ostest-master-${number}`);
      const host = hostObject(name, {
        online: true,
        externallyProvisioned: true,
        consumerRef,
        bmc: { address: url, credentialsName: name },
      });
      return [
        machine(`ostest-master-${number}`, {
          providerSpec: providerSpec(
            { url: "", checksum: "" },
            { customDeploy: { method: "install_coreos" } },
          ),
        }),
        ...placed([secretObject(name), host]),
        nodeObject({ name, uuid: "" }),
      ];
    }),
  );
  return objects.flat();
}

const untilHost = (state: string, also: (host: BareMetalHost) => boolean = () => true) =>
  fleet.hosts.until(workerHost, (host) => host.status?.provisioning.state === state && also(host), {
    namespace,
    timeoutMs: 60_000,
  });
/** What kubectl prints, cells by row. */
async function printed(...args: readonly string[]): Promise<readonly (readonly string[])[]> {
  const text = await words.kubectl(["get", ...args, "-n", namespace]);
  return text.split("\n").map((line) => line.trim().split(/ {2,}/));
}
const withoutAge = (rows: readonly (readonly string[])[]) => rows.map((row) => row.slice(0, -1));
const theMachine = async (): Promise<Held> => {
  const [found] = await words.untilAll("machines", setName, { count: 1 });
  if (found === undefined) throw new Error("no machine");
  return found;
};

describe("the cluster as it was installed", () => {
  it("shows three masters that run, and a worker that is free [M78 M79]", async () => {
    for (const number of masters) {
      const { spec } = await words.until(
        `machine/ostest-master-${number}`,
        ({ status }) => status?.["phase"] === "Running",
      );
      expect(spec["providerID"]).toMatch(
        new RegExp(`^baremetalhost:///${namespace}/openshift-master-${number}/[-0-9a-f]{36}$`),
      );
    }
    expect(withoutAge(await printed("baremetalhosts"))).toEqual([
      ["NAME", "STATE", "CONSUMER", "ONLINE", "ERROR"],
      ...masters.map((number) => [
        `openshift-master-${number}`,
        "externally provisioned",
        `ostest-master-${number}`,
        "true",
      ]),
      [workerHost, "available", "true"],
    ]);
    expect(withoutAge(await printed("machines"))).toEqual([
      ["NAME", "PHASE", "TYPE", "REGION", "ZONE"],
      ...masters.map((number) => [`ostest-master-${number}`, "Running"]),
    ]);
    expect(withoutAge(await printed("machinesets"))).toEqual([
      ["NAME", "DESIRED", "CURRENT", "READY", "AVAILABLE"],
      [setName, "0", "0", "0", "0"],
    ]);
  });

  it("leaves the masters' systems alone", () => {
    for (const number of masters) {
      const seen = fleet.hosts.history(`openshift-master-${number}`, namespace);
      expect(seen.length).toBeGreaterThan(0);
      expect(seen.filter(({ spec }) => spec.image !== undefined)).toEqual([]);
    }
  });
});

describe("kubectl scale machineset ostest-worker-0 --replicas=1", () => {
  it("makes a Machine, which claims the host [M78]", async () => {
    await words.scale(workers, 1);
    const { metadata } = await theMachine();
    expect(metadata.name).toMatch(/^ostest-worker-0-[a-z0-9]{5}$/);
    const { spec } = await fleet.hosts.until(workerHost, (host) => host.spec.image !== undefined, {
      namespace,
    });
    expect(spec).toMatchObject({
      consumerRef: consumerOf(metadata.name),
      image: { ...herd.image, format: "raw" },
      userData: { name: "worker-user-data" },
      online: true,
    });
  });

  it("deploys the host, and says so on the Machine [M79]", async () => {
    const { metadata: host } = await untilHost("provisioned");
    const { metadata } = await theMachine();
    const held = await words.until(
      `machine/${metadata.name}`,
      ({ status, metadata: { annotations } }) =>
        status?.["phase"] === "Provisioned" &&
        annotations?.["machine.openshift.io/instance-state"] === "provisioned",
    );
    expect(held.spec["providerID"]).toBe(`baremetalhost:///${namespace}/${workerHost}/${host.uid}`);
    expect(held.metadata.annotations).toMatchObject({
      "metal3.io/BareMetalHost": `${namespace}/${workerHost}`,
    });
    expect(held.metadata.finalizers).toContain("machine.machine.openshift.io");
    const states = fleet.hosts.states(workerHost, namespace);
    expect(states.slice(-2)).toEqual(["provisioning", "provisioned"]);
  });

  it("makes it Running and the MachineSet ready when the Node joins [M78 M79]", async () => {
    const { metadata } = await theMachine();
    await words.apply(nodeObject({ ...worker, name: "worker-0" }));
    const { status, spec } = await words.until(
      `machine/${metadata.name}`,
      (held) => held.status?.["phase"] === "Running",
    );
    expect(status).toMatchObject({ nodeRef: { kind: "Node", name: "worker-0" } });
    const node = await words.get("node/worker-0");
    expect(node.spec["providerID"]).toBe(spec["providerID"]);
    expect(node.spec["taints"]).toContainEqual(taint);
    expect(node.metadata).toMatchObject({
      labels: { stall: "clean" },
      annotations: { "machine.openshift.io/machine": `${namespace}/${metadata.name}` },
    });
    await words.until(workers, (held) => held.status?.["availableReplicas"] === 1);
    expect(withoutAge(await printed("machinesets"))[1]).toEqual([setName, "1", "1", "1", "1"]);
    const wide = await printed("machine", metadata.name, "-o", "wide");
    expect(wide[0]?.slice(-3)).toEqual(["NODE", "PROVIDERID", "STATE"]);
    expect(wide[1]?.slice(-3)).toEqual(["worker-0", spec["providerID"], "provisioned"]);
  });
});

describe("kubectl annotate machine host.metal3.io/external-remediation=", () => {
  const wish = "host.metal3.io/external-remediation";
  const hold = "reboot.metal3.io/capbm-requested-power-off";
  const marks = ({ metadata }: Held) =>
    Object.keys(metadata.annotations ?? {}).filter((key) => key.includes("remediation"));

  it("switches the host off, deletes its Node, and gives the next one what it had", async () => {
    const { metadata } = await theMachine();
    await words.kubectl(["label", "node/worker-0", "rack=7"]);
    await words.kubectl(["annotate", `machine/${metadata.name}`, `${wish}=`]);
    const { metadata: off } = await untilHost("provisioned", ({ status }) => !status?.poweredOn);
    expect(off.annotations?.[hold]).toBe('{"mode":"hard"}');
    const isOn = (host: BareMetalHost) => host.status?.poweredOn === true;
    const isFree = ({ metadata: { annotations = {} } }: BareMetalHost) => !(hold in annotations);
    await untilHost("provisioned", (host) => isOn(host) && isFree(host));
    expect(await words.kubectl(["get", "nodes", "--output=name"])).not.toContain("worker-0");
    await words.apply(nodeObject({ ...worker, name: "worker-0" }));
    const held = await words.until(
      `machine/${metadata.name}`,
      (seen) => conditionOf(seen, "farrier.dev/Remediated")?.startsWith("True") === true,
    );
    expect(held.status).toMatchObject({ phase: "Running" });
    expect((await words.get("node/worker-0")).metadata.labels).toMatchObject({ rack: "7" });
    await words.until(`machine/${metadata.name}`, (seen) => marks(seen).length === 0);
  });

  it("leaves a master alone, and says so", async () => {
    const master = "machine/ostest-master-0";
    await words.kubectl(["annotate", master, `${wish}=`]);
    await words.until(master, (held) =>
      messageOf(held, "farrier.dev/Remediated").includes("is externally provisioned"),
    );
    await words.kubectl(["annotate", master, `${wish}-`]);
    const seen = fleet.hosts.history("openshift-master-0", namespace);
    expect(seen.filter(({ metadata }) => hold in (metadata.annotations ?? {}))).toEqual([]);
  });
});

describe("kubectl scale machineset ostest-worker-0 --replicas=0", () => {
  const hook = (name: string) => [{ name, owner: "the-test" }];
  const hooks = (preDrain: readonly object[], preTerminate: readonly object[]) => ({
    spec: { lifecycleHooks: { preDrain, preTerminate } },
  });
  let name: string;

  it("waits for the hook before the drain, and counts the Machine no more [M78]", async () => {
    ({ name } = (await theMachine()).metadata);
    await words.apply(...guardedPod("worker-0"));
    // A pod that does not run yet has no budget.
    const conditions = [{ type: "Ready", status: "True" }];
    await patchStatus("pod/guarded", { phase: "Running", conditions });
    await words.until("pdb/guarded", ({ status }) => status?.["currentHealthy"] === 1);
    await words.patch(`machine/${name}`, hooks(hook("quorum"), hook("backup")));
    await words.scale(workers, 0);
    const { status } = await words.until(
      `machine/${name}`,
      (held) => held.status?.["phase"] === "Deleting",
    );
    expect(conditionOf({ status } as Held, "Drainable")).toBe("False HookPresent");
    await words.until(workers, (held) => held.status?.["replicas"] === 0);
    expect(withoutAge(await printed("machinesets"))[1]).toEqual([setName, "0", "0", "0", "0"]);
    expect((await words.get("node/worker-0")).spec).not.toHaveProperty("unschedulable");
  });

  it("drains the Node as far as disruption budgets allow", async () => {
    await words.patch(`machine/${name}`, hooks([], hook("backup")));
    const held = await words.until(`machine/${name}`, (seen) =>
      messageOf(seen, "Drained").includes("is kept by its disruption budget"),
    );
    expect(messageOf(held, "Drained")).toContain(`pod ${namespace}/guarded`);
    expect((await words.get("node/worker-0")).spec["unschedulable"]).toBe(true);
    expect(fleet.hosts.get(workerHost, namespace)?.spec.image).toBeDefined();
    await words.kubectl(["delete", "pdb/guarded"]);
    await words.until(`machine/${name}`, (seen) => conditionOf(seen, "Drained") === "True Drained");
    expect(await words.kubectl(["get", "pods", "--output=name"])).toBe("");
  });

  it("waits for the hook before the end", async () => {
    const held = await words.get(`machine/${name}`);
    expect(conditionOf(held, "Terminable")).toBe("False HookPresent");
    expect(fleet.hosts.get(workerHost, namespace)?.spec.image).toBeDefined();
    await words.patch(`machine/${name}`, hooks([], []));
  });

  it("empties the host, leaves it as it was, and deletes the Node [M78]", async () => {
    await untilHost("deprovisioning");
    await untilHost("available", ({ spec }) => spec.consumerRef === undefined && !spec.online);
    await words.untilAll("machines", setName, { count: 0 });
    expect(await words.kubectl(["get", "nodes", "--output=name"])).not.toContain("worker-0");
    expect(withoutAge(await printed("bmh", workerHost))[1]).toEqual([
      workerHost,
      "available",
      "false",
    ]);
  });
});

/** A pod of a Node without a kubelet, and its budget. */
function guardedPod(nodeName: string): object[] {
  const labels = { guarded: "yes" };
  const metadata = { name: "guarded", namespace, labels };
  const containers = [{ name: "one", image: "images.example/one" }];
  return [
    {
      apiVersion: "policy/v1",
      kind: "PodDisruptionBudget",
      metadata,
      spec: { minAvailable: 1, selector: { matchLabels: labels } },
    },
    {
      apiVersion: "v1",
      kind: "Pod",
      metadata,
      spec: { nodeName, terminationGracePeriodSeconds: 0, containers },
    },
  ];
}

async function patchStatus(what: string, status: object): Promise<void> {
  const patch = ["--subresource=status", "--type=merge", `--patch=${JSON.stringify({ status })}`];
  await words.kubectl(["patch", what, ...patch]);
}

describe("a MachineSet without hosts", () => {
  const far = "ostest-worker-far";
  const label = (value: string) =>
    words.kubectl(["label", "--overwrite", `bmh/${workerHost}`, `stall=${value}`]);

  it("has Machines that wait, and say what for", async () => {
    const hostSelector = { matchExpressions: [{ key: "stall", operator: "in", values: ["far"] }] };
    const spec = { providerSpec: providerSpec(herd.image, { hostSelector }) };
    await words.apply(machineSet(far, spec));
    await words.scale(`machineset/${far}`, 2);
    const waiting = await words.untilAll("machines", far, {
      count: 2,
      are: (held) => conditionOf(held, "InstanceExists") === "False NoHostAvailable",
    });
    for (const { status } of waiting) {
      expect(status).toMatchObject({ phase: "Provisioning" });
      expect(status).not.toHaveProperty("errorReason");
    }
  });

  it("deletes the one with a delete annotation that says something [M80]", async () => {
    const machines = await words.untilAll("machines", far, { count: 2 });
    const [first, second] = machines
      .map(({ metadata }) => metadata)
      .toSorted((left, right) => (left.uid < right.uid ? -1 : 1));
    if (first === undefined || second === undefined) throw new Error("two machines");
    const key = "machine.openshift.io/delete-machine";
    await words.kubectl(["annotate", `machine/${first.name}`, `${key}=`]);
    await words.kubectl(["annotate", `machine/${second.name}`, `${key}=yes`]);
    await untilKnown(second.uid, key);
    await words.scale(`machineset/${far}`, 1);
    const [left] = await words.untilAll("machines", far, { count: 1 });
    expect(left?.metadata.name).toBe(first.name);
  });

  it("gets the host that comes to fit", async () => {
    const [left] = await words.untilAll("machines", far, { count: 1 });
    await label("far");
    const name = left?.metadata.name;
    await fleet.hosts.until(workerHost, ({ spec }) => spec.consumerRef?.name === name, {
      namespace,
    });
  });

  it("follows the hosts when it is told to, its own counted [M80]", async () => {
    await words.kubectl(["annotate", `machineset/${far}`, "metal3.io/autoscale-to-hosts="]);
    await words.scale(`machineset/${far}`, 3);
    await words.until(`machineset/${far}`, ({ spec }) => spec["replicas"] === 1);
    await label("near");
    await words.until(`machineset/${far}`, ({ spec }) => spec["replicas"] === 0);
    await untilHost("available", ({ spec }) => spec.consumerRef === undefined);
  });
});

/** The hub has the annotation. */
async function untilKnown(uid: string, annotation: string): Promise<void> {
  for (;;) {
    const rows = await fleet.sql`
      SELECT uid FROM machines
      WHERE uid = ${uid} AND object->'metadata'->'annotations'->${annotation} IS NOT NULL`;
    if (rows.length > 0) return;
    await sleep(50);
  }
}

describe("a provider spec with a mistake", () => {
  it("is told with the way out, and heals when it is mended", async () => {
    const typo = { providerSpec: providerSpec({ ...herd.image, chekcsum: "0" }) };
    await words.apply(machine("ostest-typo", typo));
    const held = await words.until(
      "machine/ostest-typo",
      (seen) => conditionOf(seen, "InstanceExists") === "False InvalidProviderSpec",
    );
    expect(messageOf(held, "InstanceExists")).toContain('the field "chekcsum" is not known');
    const about = "involvedObject.name=ostest-typo,reason=InvalidProviderSpec";
    const events = await words.kubectl(["get", "events", `--field-selector=${about}`]);
    expect(events).toContain("Warning");
    const hostSelector = { matchLabels: { stall: "none" } };
    await words.apply(
      machine("ostest-typo", { providerSpec: providerSpec(herd.image, { hostSelector }) }),
    );
    await words.until(
      "machine/ostest-typo",
      (seen) => conditionOf(seen, "InstanceExists") === "False NoHostAvailable",
    );
    await words.kubectl(["delete", "machine/ostest-typo", "--timeout=30s"]);
  });
});
