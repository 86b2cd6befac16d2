// The cluster-api provider kinds as a real API server takes them: both versions, converted by the cluster link with
// the rights that it is given, and what users know of them.
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startKubernetes, type KubernetesHandle } from "../../infra/kubernetes/start-kubernetes.ts";
import { installManifests, installWebhook } from "../../infra/paddock/install-manifests.ts";
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
import { startAdmission, type AdmissionServer } from "./admission-server.ts";

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

const bad = { ...image, checksum: "" };
const oci = { url: "oci://registry.example/a:1" };
const elsewhere = { name: "x", namespace: "default" };
/** Row, what is wrong, spec of a machine, what is said below the spec. */
const refused: readonly (readonly [string, string, object, string])[] = [
  ["M09", "an image without checksum", { image: bad }, "image.checksum is required"],
  [
    "M09",
    "a checksum that is no URL",
    { image: { ...image, checksum: "http://a b" } },
    "image.checksum must be",
  ],
  [
    "M10",
    "a checksum for an OCI image",
    { image: { ...oci, checksum: "0" } },
    "image.checksum must not",
  ],
  [
    "M10",
    "a checksum type for an OCI image",
    { image: { ...oci, checksumType: "md5" } },
    "image.checksumType must not",
  ],
  ["M11", "neither image nor customDeploy", {}, "image or customDeploy is required"],
  ...["userData", "metaData", "networkData", "dataTemplate"].map(
    (field) =>
      [
        "M12",
        `${field} of another namespace`,
        { image, [field]: elsewhere },
        `${field}.namespace must be the namespace of the object; it is default`,
      ] as const,
  ),
];
const accepted: readonly (readonly [string, string, object])[] = [
  ["M09", "a live ISO without checksum", { image: { url: image.url, diskFormat: "live-iso" } }],
  ["M09", "an OCI image without checksum", { image: oci }],
  ["M09", "a checksum by URL", { image: { ...image, checksum: "https://images.example/sums" } }],
  ["M11", "a customDeploy without image", { customDeploy: { method: "mine" } }],
  ["M12", "userData of its own namespace", { image, userData: { name: "x", namespace: "metal" } }],
];

describe("the policies, without a control plane", () => {
  const dryRun = (input: object) => attempt("create --dry-run=server -f -", input);
  const machine = (spec: object) => object("v1beta2", "Metal3Machine", "probe", spec);
  const template = (spec: object) =>
    object("v1beta2", "Metal3MachineTemplate", "probe", { template: { spec } });

  beforeAll(async () => {
    // New policies take a moment to reach the API server's plugins.
    for (const probe of [
      machine({}),
      template({}),
      object("v1beta2", "Metal3Cluster", "probe", {}),
      object("v1beta2", "Metal3ClusterTemplate", "probe", { template: { spec: {} } }),
    ]) {
      await vi.waitFor(async () => expect((await dryRun(probe)).stderr).toContain("required"), {
        timeout: 30_000,
        interval: 200,
      });
    }
  });

  it("have no expression that the API server calls wrong", async () => {
    for (const name of Object.keys(facts.crds)) {
      const policy = `validatingadmissionpolicy ${name.replace(/s\..*/, "")}.farrier.dev`;
      await expect
        .poll(() => kubectl(`get ${policy} -o jsonpath={.status.observedGeneration}`), {
          timeout: 20_000,
        })
        .toBe("1");
      const warnings = "jsonpath={.status.typeChecking.expressionWarnings}";
      expect(await kubectl(`get ${policy} -o ${warnings}`)).toBe("");
    }
  });

  it.each(refused)(
    "refuse a machine and a template with [%s] %s",
    async (_row, _what, spec, says) => {
      expect((await dryRun(machine(spec))).stderr).toContain(`spec.${says}`);
      expect((await dryRun(template(spec))).stderr).toContain(`spec.template.spec.${says}`);
    },
  );

  it.each(accepted)("accept a machine and a template with [%s] %s", async (_row, _what, spec) => {
    expect(await dryRun(machine(spec))).toMatchObject({ code: 0 });
    expect(await dryRun(template(spec))).toMatchObject({ code: 0 });
  });

  it("refuse a cluster without host, and a template without host or port [M06]", async () => {
    const endpoint = (controlPlaneEndpoint: object) => ({ controlPlaneEndpoint });
    const cluster = (spec: object) => dryRun(object("v1beta2", "Metal3Cluster", "probe", spec));
    const form = (spec: object) =>
      dryRun(object("v1beta2", "Metal3ClusterTemplate", "probe", { template: { spec } }));
    const host = { host: "api.example" };
    expect((await cluster({})).stderr).toContain("spec.controlPlaneEndpoint.host is required");
    expect((await cluster(endpoint({ port: 6443 }))).stderr).toContain("host is required");
    expect(await cluster(endpoint(host))).toMatchObject({ code: 0 });
    expect((await form(endpoint({ port: 6443 }))).stderr).toContain("host is required");
    expect((await form(endpoint(host))).stderr).toContain("port is required in a template");
    expect(await form(endpoint({ ...host, port: 6443 }))).toMatchObject({ code: 0 });
  });

  it("refuse an object without any spec [M11]", async () => {
    const { apiVersion, kind, metadata } = machine({});
    const { stderr } = await dryRun({ apiVersion, kind, metadata });
    expect(stderr).toContain("spec.image or customDeploy is required");
  });
});

describe("with the cluster link", () => {
  beforeAll(async () => {
    await startLink();
    // The API server takes a moment to see the new definition.
    await vi.waitFor(
      async () => {
        const specs = {
          Metal3Machine: { image },
          Metal3MachineTemplate: { template: { spec: { image } } },
          Metal3Cluster: { controlPlaneEndpoint: { host: "h", port: 1 } },
        };
        for (const [kind, spec] of Object.entries(specs)) {
          await kubectl("create --dry-run=server -f -", object("v1beta1", kind, "probe", spec));
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

describe("the control plane's webhooks", () => {
  let server: AdmissionServer;

  beforeAll(async () => {
    server = await startAdmission(folder, {
      site: { kind: "none", reason: "no site" },
      claimants: [],
      secrets: [],
      memory: undefined,
      hardware: undefined,
    });
    // What only they can say is heard.
    await kubectl("delete validatingadmissionpolicybinding --all");
    const { url, caPem } = server;
    await installWebhook(cluster, { url, caPem });
    await vi.waitFor(
      async () => {
        const probe = object("v1beta2", "Metal3Machine", "probe", {});
        const { stderr } = await attempt("create --dry-run=server -f -", probe);
        expect(stderr).toContain("spec.image: is required, or customDeploy; give one of them");
      },
      { timeout: 30_000, interval: 200 },
    );
  });
  afterAll(async () => await server?.close());

  it("fill in port and cloudProviderEnabled, in both versions [M05]", async () => {
    const endpoint = { controlPlaneEndpoint: { host: "api.example" } };
    await kubectl("create -f -", object("v1beta2", "Metal3Cluster", "bare", endpoint));
    const filled = { controlPlaneEndpoint: { host: "api.example", port: 6443 } };
    expect((await read("v1beta2", "metal3clusters", "bare"))["spec"]).toEqual({
      ...filled,
      cloudProviderEnabled: false,
    });
    const old = { controlPlaneEndpoint: { host: "api.example", port: 0 }, noCloudProvider: false };
    await kubectl("create -f -", object("v1beta1", "Metal3Cluster", "bare-old", old));
    expect((await read("v1beta2", "metal3clusters", "bare-old"))["spec"]).toEqual({
      ...filled,
      cloudProviderEnabled: true,
    });
  });

  it("say every problem of an older version in one message, by the names of the newer [M10 M12]", async () => {
    const spec = { image: { ...oci, checksum: "0", format: "raw" }, userData: elsewhere };
    const { code, stderr } = await attempt(
      "create -f -",
      object("v1beta1", "Metal3Machine", "bad", spec),
    );
    expect(code).toBe(1);
    expect(stderr).toContain("spec.image.checksum: must not be given for an oci:// image");
    expect(stderr).toContain('spec.userData.namespace: Forbidden: "default" is not');
  });

  it("take an empty format for none, of a host and of a machine [M81]", async () => {
    const host = {
      apiVersion: "metal3.io/v1alpha1",
      kind: "BareMetalHost",
      metadata: { name: "h", namespace: "metal" },
      spec: { online: false, image: { ...image, format: "raw" } },
    };
    await kubectl("create -f -", host);
    const format = `-p={"spec":{"image":{"format":""}}}`;
    await kubectl(`patch bmh h -n metal --type=merge ${format}`);
    expect(JSON.parse(await kubectl("get bmh h -n metal -o jsonpath={.spec.image}"))).toEqual(
      image,
    );
    const diskFormat = { image: { ...image, diskFormat: "" } };
    await kubectl("create -f -", object("v1beta2", "Metal3Machine", "empty", diskFormat));
    expect((await read("v1beta2", "metal3machines", "empty"))["spec"]).toEqual({ image });
  });
});
