// The cluster-api provider kinds as a real API server takes them: both versions, converted by the cluster link with
// the rights that it is given, and what users know of them.
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startKubernetes, type KubernetesHandle } from "../../infra/kubernetes/start-kubernetes.ts";
import { installManifests } from "../../infra/paddock/install-manifests.ts";
import { terminalProgress } from "../../infra/preparation/progress.ts";
import { infrastructureGroup } from "../../shared/capm3/provider.ts";
import { makeNodeClock } from "../../site-agent/adapters/node-clock.ts";
import { makeNodeCrypto } from "../../site-agent/adapters/node-crypto.ts";
import { nodeFiles } from "../../site-agent/adapters/node-files.ts";
import { makeNodeHttpServer } from "../../site-agent/adapters/node-http-server.ts";
import { makeNodeKubernetes } from "../../site-agent/adapters/node-kubernetes.ts";
import { nodePrograms } from "../../site-agent/adapters/node-programs.ts";
import {
  startConversion,
  type RunningConversion,
} from "../../site-agent/cluster/conversion/start-conversion.ts";
import { crdFacts } from "../support/crd-facts.ts";

type Json = Record<string, unknown>;

const facts = JSON.parse(
  readFileSync(join(import.meta.dirname, "facts/capm3-crds.json"), "utf8"),
) as { crds: Record<string, unknown> };
const image = { url: "http://images.example/a.qcow2", checksum: "0".repeat(64) };
const log = { info: () => {}, warn: console.warn, error: console.error };

let folder: string;
let cluster: KubernetesHandle;
let linkKubeconfig: string;
let conversion: RunningConversion | undefined;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "farrier-capm3-"));
  cluster = await startKubernetes({ directory: folder, progress: terminalProgress() });
  linkKubeconfig = await installManifests(cluster);
  await kubectl("create namespace metal");
});
afterAll(async () => {
  await conversion?.stop();
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

const attempt = (args: string, input?: object) =>
  cluster.kubectl(args.split(" "), input === undefined ? {} : { input: JSON.stringify(input) });

async function kubectl(args: string, input?: object): Promise<string> {
  const { code, stdout, stderr } = await attempt(args, input);
  if (code !== 0) throw new Error(`kubectl ${args}: ${stderr}`);
  return stdout.trim();
}

const object = (version: string, kind: string, name: string, spec: object) => ({
  apiVersion: `${infrastructureGroup}/${version}`,
  kind,
  metadata: { name, namespace: "metal", labels: { rack: name.split("-")[0] } },
  spec,
});

async function read(version: string, plural: string, name: string): Promise<Json> {
  const resource = `${plural}.${version}.${infrastructureGroup}`;
  return JSON.parse(await kubectl(`get ${resource} ${name} -n metal -o json`)) as Json;
}

/** The real part of the cluster link, with its own rights, on a free port. */
async function startLink(): Promise<void> {
  const started = await startConversion(
    {
      kubernetes: makeNodeKubernetes(linkKubeconfig),
      server: makeNodeHttpServer({ log }),
      files: nodeFiles,
      programs: nodePrograms,
      crypto: makeNodeCrypto(),
      clock: makeNodeClock(),
      log,
    },
    {
      stateDirectory: folder,
      cluster: { conversion: { host: "127.0.0.1", address: "127.0.0.1", port: 0 } },
    },
  );
  if (!started.ok) throw new Error(started.error.message);
  conversion = started.value;
}

describe("the definitions", () => {
  it.each(Object.keys(facts.crds))("%s equals upstream's in every fact [M01 M02]", async (name) => {
    const held = JSON.parse(await kubectl(`get crd ${name} -o json`)) as Json;
    expect(crdFacts(held)).toEqual(facts.crds[name]);
  });

  it("are found by the provider's label, short names and category [M02 M03]", async () => {
    const label = "cluster.x-k8s.io/provider=infrastructure-metal3";
    const found = await kubectl(`get crd -l ${label},cluster.x-k8s.io/v1beta2=v1beta2 -o name`);
    expect(found.split("\n")).toHaveLength(4);
    for (const name of ["m3c", "m3ct", "m3m", "m3mt", "cluster-api"]) {
      await kubectl(`get ${name} -n metal`);
    }
  });
});

describe("without a cluster link", () => {
  it("the stored version works, and the older one says who is missing", async () => {
    await kubectl("create -f -", object("v1beta2", "Metal3Machine", "early", { image }));
    expect(await read("v1beta2", "metal3machines", "early")).toMatchObject({ spec: { image } });
    const old = await attempt(`get metal3machines.v1beta1.${infrastructureGroup} early -n metal`);
    expect(old.stderr).toContain("farrier-cluster-link-has-not-started.invalid");
    await kubectl("delete m3m early -n metal");
  });
});

describe("with the cluster link", () => {
  beforeAll(async () => {
    await startLink();
    // The API server takes a moment to see the new definition.
    await vi.waitFor(
      async () => {
        const probe = object("v1beta1", "Metal3Machine", "probe", { image });
        for (const kind of ["Metal3Machine", "Metal3Cluster", "Metal3MachineTemplate"]) {
          const spec = kind.endsWith("Template") ? { template: { spec: { image } } } : {};
          await kubectl("create --dry-run=server -f -", { ...probe, kind, spec });
        }
      },
      { timeout: 30_000, interval: 200 },
    );
  });

  it("the definitions still equal upstream's [M01]", async () => {
    for (const [name, expected] of Object.entries(facts.crds)) {
      const held = JSON.parse(await kubectl(`get crd ${name} -o json`)) as Json;
      expect(crdFacts(held)).toEqual(expected);
    }
  });

  it("a machine is written in one version and read in the other [M13]", async () => {
    const spec = { image: { ...image, format: "qcow2" }, providerID: "metal3://metal/h/old" };
    await kubectl("create -f -", object("v1beta1", "Metal3Machine", "old", spec));
    const stored = await read("v1beta2", "metal3machines", "old");
    expect(stored["spec"]).toEqual({
      image: { ...image, diskFormat: "qcow2" },
      providerID: "metal3://metal/h/old",
    });
    expect((await read("v1beta1", "metal3machines", "old"))["spec"]).toEqual(spec);
    const fresh = { image: { ...image, diskFormat: "raw" } };
    await kubectl("create -f -", object("v1beta2", "Metal3Machine", "new", fresh));
    expect((await read("v1beta1", "metal3machines", "new"))["spec"]).toEqual({
      image: { ...image, format: "raw" },
    });
  });

  it("a cluster is written in one version and read in the other [M13]", async () => {
    const spec = {
      controlPlaneEndpoint: { host: "192.0.2.9", port: 6443 },
      noCloudProvider: true,
      failureDomains: { b: { controlPlane: true }, a: { attributes: { row: "1" } } },
    };
    await kubectl("create -f -", object("v1beta1", "Metal3Cluster", "old", spec));
    expect((await read("v1beta2", "metal3clusters", "old"))["spec"]).toEqual({
      controlPlaneEndpoint: spec.controlPlaneEndpoint,
      cloudProviderEnabled: false,
      failureDomains: [
        { name: "a", attributes: { row: "1" } },
        { name: "b", controlPlane: true },
      ],
    });
    expect((await read("v1beta1", "metal3clusters", "old"))["spec"]).toEqual({
      ...spec,
      cloudProviderEnabled: false,
    });
  });

  it("a template keeps what the older version cannot say when it is edited there", async () => {
    const metadata = { labels: { rack: "7" } };
    const template = { metadata, spec: { image: { ...image, diskFormat: "raw" } } };
    await kubectl("create -f -", object("v1beta2", "Metal3MachineTemplate", "kept", { template }));
    const old = await read("v1beta1", "metal3machinetemplates", "kept");
    await kubectl("replace -f -", {
      ...old,
      spec: { nodeReuse: true, template: { spec: { image: { ...image, format: "qcow2" } } } },
    });
    const { spec, metadata: own } = await read("v1beta2", "metal3machinetemplates", "kept");
    expect(spec).toEqual({
      nodeReuse: true,
      template: { metadata, spec: { image: { ...image, diskFormat: "qcow2" } } },
    });
    expect(own).not.toHaveProperty("annotations");
  });

  it("what contradicts itself is refused with the field", async () => {
    const both = { noCloudProvider: true, cloudProviderEnabled: true };
    const spec = { controlPlaneEndpoint: { host: "h", port: 1 }, ...both };
    const { code, stderr } = await attempt(
      "create -f -",
      object("v1beta1", "Metal3Cluster", "both", spec),
    );
    expect(code).toBe(1);
    expect(stderr).toContain("spec.noCloudProvider: contradicts cloudProviderEnabled");
  });

  it("status is written by its subresource only, in both versions [M82]", async () => {
    const now = "2026-01-01T00:00:00Z";
    const status = {
      initialization: { provisioned: true },
      lastUpdated: now,
      conditions: [
        { type: "Ready", status: "True", reason: "Ready", message: "", lastTransitionTime: now },
      ],
    };
    await kubectl("create -f -", object("v1beta2", "Metal3Machine", "status", { image }));
    const patch = `-p=${JSON.stringify({ status })}`;
    await kubectl(`patch m3m status -n metal --type=merge ${patch}`);
    expect(await read("v1beta2", "metal3machines", "status")).not.toHaveProperty("status");
    await kubectl(`patch m3m status -n metal --type=merge --subresource=status ${patch}`);
    expect(await read("v1beta2", "metal3machines", "status")).toMatchObject({ status });
    const resource = `metal3machines.v1beta1.${infrastructureGroup}`;
    const phase = `-p={"status":{"phase":"Running","failureReason":"None"}}`;
    await kubectl(`patch ${resource} status -n metal --type=merge --subresource=status ${phase}`);
    expect((await read("v1beta1", "metal3machines", "status"))["status"]).toEqual({
      ready: true,
      lastUpdated: now,
      phase: "Running",
      failureReason: "None",
      v1beta2: { conditions: status.conditions },
    });
    await kubectl("wait m3m status -n metal --for=condition=Ready --timeout=5s");
    await kubectl(
      "wait m3m status -n metal --for=jsonpath={.status.initialization.provisioned}=true --timeout=5s",
    );
  });

  it("each version shows its columns [M04]", async () => {
    const heads = async (resource: string) =>
      (await kubectl(`get ${resource} -n metal`)).split("\n")[0]?.trim().split(/\s+/);
    expect(await heads("m3m")).toEqual(["NAME", "AGE", "PROVIDERID", "PROVISIONED", "CLUSTER"]);
    expect(await heads(`metal3machines.v1beta1.${infrastructureGroup}`)).toEqual([
      "NAME",
      "AGE",
      "PROVIDERID",
      "READY",
      "CLUSTER",
      "PHASE",
    ]);
    const common = ["ERROR", "CLUSTER", "ENDPOINT"];
    expect(await heads("m3c")).toEqual(["NAME", "AGE", "PROVISIONED", ...common]);
    expect(await heads(`metal3clusters.v1beta1.${infrastructureGroup}`)).toEqual([
      "NAME",
      "AGE",
      "READY",
      ...common,
    ]);
  });

  it("a list of many objects comes in one piece", async () => {
    const spec = { image: { ...image, format: "raw" } };
    const items = Array.from({ length: 300 }, (_, at) =>
      object("v1beta1", "Metal3Machine", `many-${at}`, spec),
    );
    await kubectl("create -f -", { apiVersion: "v1", kind: "List", items });
    const resource = `metal3machines.v1beta1.${infrastructureGroup}`;
    const listed = await kubectl(
      `get ${resource} -n metal -l rack=many -o jsonpath={.items[*].spec.image.format}`,
    );
    expect(listed.split(" ")).toEqual(items.map(() => "raw"));
    await kubectl("delete m3m -n metal -l rack=many --wait=false");
  });

  it("definitions that are applied anew are taken again", async () => {
    await conversion?.stop();
    conversion = undefined;
    await installManifests(cluster);
    const [name] = Object.keys(facts.crds);
    expect(await kubectl(`get crd ${name} -o yaml`)).toContain("has-not-started.invalid");
    await startLink();
    await expect
      .poll(
        async () =>
          (await attempt("get metal3clusters.v1beta1.infrastructure.cluster.x-k8s.io old -n metal"))
            .code,
        {
          timeout: 30_000,
          interval: 200,
        },
      )
      .toBe(0);
  });
});
