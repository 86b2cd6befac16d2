// The founding story, typed command by command: machine.openshift.io Machines and MachineSets, with no
// machine-api-operator. The names in brackets are those of upstream's observable behaviours.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BareMetalHost } from "../../../shared/metal3/bare-metal-host.ts";
import { startFleet, type Fleet } from "../fleet.ts";
import type { HerdMachine } from "../herd/herd-plan.ts";
import { startHerd, type Herd } from "../herd/start-herd.ts";
import { kubectlWords, type KubectlWords } from "../kubectl-words.ts";
import { hostObject, secretObject } from "../objects.ts";
import { nodeObject } from "./machine-fleet.ts";
import { conditionOf, machineWords, type Held, type MachineWords } from "./machine-words.ts";
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

beforeAll(async () => {
  fleet = await startFleet({ openShift: true });
  herd = await startHerd(fleet.lab, 2);
  const [first] = herd.machines;
  if (first === undefined) throw new Error("an empty herd");
  worker = first;
  const own = kubectlWords(fleet.kubernetes, namespace);
  words = { ...own, ...machineWords(own) };
  await words.kubectl(["create", "namespace", namespace]);
  const image = { ...herd.image, diskFormat: "raw" };
  await words.apply(userData(), machineSet(setName, { providerSpec: providerSpec(image) }));
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
    await words.until(workers, (held) => held.status?.["availableReplicas"] === 1);
    expect(withoutAge(await printed("machinesets"))[1]).toEqual([setName, "1", "1", "1", "1"]);
    const wide = await printed("machine", metadata.name, "-o", "wide");
    expect(wide[0]?.slice(-3)).toEqual(["NODE", "PROVIDERID", "STATE"]);
    expect(wide[1]?.slice(-3)).toEqual(["worker-0", spec["providerID"], "provisioned"]);
  });
});

describe("kubectl scale machineset ostest-worker-0 --replicas=0", () => {
  it("empties the host, and leaves it as it was [M78]", async () => {
    const { metadata } = await theMachine();
    await words.scale(workers, 0);
    await untilHost("deprovisioning");
    expect(conditionOf(await words.get(`machine/${metadata.name}`), "Drained")).toBe(
      "True Drained",
    );
    await untilHost("available", ({ spec }) => spec.consumerRef === undefined && !spec.online);
    await words.untilAll("machines", setName, { count: 0 });
    expect(await words.kubectl(["get", "nodes", "--output=name"])).not.toContain("worker-0");
  });
});
