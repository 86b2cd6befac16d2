// The kinds, rights and rules as a real API server takes them: the definitions it holds equal upstream's in
// every structural fact, kubectl shows what users know, the policy holds by itself, and the webhook's refusals
// and plans reach the person at the keyboard.
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stringify } from "yaml";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { startKubernetes, type KubernetesHandle } from "../../infra/kubernetes/start-kubernetes.ts";
import { renderWebhook } from "../../infra/manifests/render-webhook.ts";
import { terminalProgress } from "../../infra/preparation/progress.ts";
import type { BareMetalHostStatus } from "../../shared/metal3/bare-metal-host.ts";
import { crdFacts } from "../support/crd-facts.ts";
import { hardware, image, makeHost, makeHostWorld } from "../support/host-world.ts";
import { startAdmission, type AdmissionServer } from "./admission-server.ts";

const root = join(import.meta.dirname, "../..");
const facts = JSON.parse(
  readFileSync(join(import.meta.dirname, "facts/metal3-crds.json"), "utf8"),
) as { crds: Record<string, unknown> };

let folder: string;
let cluster: KubernetesHandle;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "farrier-kinds-"));
  cluster = await startKubernetes({ directory: folder, progress: terminalProgress() });
  await kubectl("apply -f infra/crds/metal3.io_baremetalhosts.yaml");
  await kubectl("apply -f infra/crds/metal3.io_hardwaredata.yaml");
  await kubectl("wait --for=condition=Established crd --all --timeout=30s");
  await kubectl("create namespace metal");
});

afterAll(async () => {
  await cluster?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** `last` is an argument with blanks in it. */
const run = async (args: string, input?: string, last?: string) =>
  await cluster.kubectl(
    [...args.split(" "), ...(last === undefined ? [] : [last])].map((arg) =>
      arg.startsWith("infra/") ? join(root, arg) : arg,
    ),
    input === undefined ? {} : { input },
  );

async function kubectl(args: string, input?: string, last?: string): Promise<string> {
  const { code, stdout, stderr } = await run(args, input, last);
  if (code !== 0) throw new Error(`kubectl ${args}: ${stderr}`);
  return stdout.trim();
}

const manifest = (name: string, spec: object = {}, metadata: object = {}): string =>
  stringify({
    apiVersion: "metal3.io/v1alpha1",
    kind: "BareMetalHost",
    metadata: { name, namespace: "metal", ...metadata },
    spec: { online: true, ...spec },
  });
const bmc = { address: "ipmi://192.0.2.10", credentialsName: "bmc" };

/** Status as the cluster link would write it. */
const writeStatus = async (name: string, status: BareMetalHostStatus): Promise<void> => {
  const patch = JSON.stringify({ status });
  const args = `patch bmh ${name} -n metal --subresource=status --type=merge -p`;
  await kubectl(args, undefined, patch);
};

/** Applies, or says why not: everything that kubectl shows on stderr. */
const attempt = async (text: string, args = "apply -f -"): Promise<string> =>
  (await run(args, text)).stderr;

/** A new rule takes a moment to reach the API server's plugins. */
const refusesProbe = async (says: string): Promise<void> => {
  await vi.waitFor(
    async () => {
      const probe = manifest("probe", { firmware: {} });
      expect(await attempt(probe, "create --dry-run=server -f -")).toContain(says);
    },
    { timeout: 30_000, interval: 200 },
  );
};

describe("the definitions", () => {
  it.each(Object.keys(facts.crds))("%s equals upstream's in every fact", async (name) => {
    const held = JSON.parse(await kubectl(`get crd ${name} -o json`)) as Record<string, unknown>;
    expect(crdFacts(held)).toEqual(facts.crds[name]);
  });

  it("show the columns, short names and default that users know [B01 B02 B03 B04]", async () => {
    await kubectl("apply -f -", manifest("columns", { bmc }));
    await writeStatus("columns", makeHostStatus());
    expect((await kubectl("get bmh -n metal columns")).split(/\s+/).slice(0, 6)).toEqual([
      "NAME",
      "STATE",
      "CONSUMER",
      "ONLINE",
      "ERROR",
      "AGE",
    ]);
    const [head = "", row = ""] = (await kubectl("get bmhost -n metal columns -o wide")).split(
      "\n",
    );
    expect(head.trim().split(/\s+/)).toEqual([
      "NAME",
      "STATUS",
      "STATE",
      "CONSUMER",
      "BMC",
      "ONLINE",
      "ERROR",
      "AGE",
    ]);
    expect(row).toMatch(/columns\s+OK\s+provisioned\s+ipmi:\/\/192\.0\.2\.10\s+true/);
    const mode = "jsonpath={.spec.automatedCleaningMode}";
    expect(await kubectl(`get bmh -n metal columns -o ${mode}`)).toBe("metadata");
    await kubectl("wait bmh -n metal columns --for=condition=Provisioned --timeout=5s");
    await kubectl("get hd -n metal");
    await kubectl("delete bmh -n metal columns");
  });
});

/** A whole status of a provisioned host. */
const makeHostStatus = (): BareMetalHostStatus => {
  const world = makeHostWorld(makeHost({ image }));
  world.reach("provisioned");
  const { status } = world.host;
  if (status === undefined) throw new Error("no status");
  return status;
};

describe("the rights of the cluster link", () => {
  it("are enough for its work and no more", async () => {
    await kubectl("apply -f infra/manifests/cluster-link.yaml");
    const who = "--as=system:serviceaccount:farrier-system:farrier-cluster-link";
    const may = async (what: string) => (await run(`auth can-i ${what} ${who}`)).stdout.trim();
    for (const what of [
      "patch baremetalhosts.metal3.io/status -A",
      "create hardwaredata.metal3.io -A",
      "patch secrets -A",
      "create events -A",
      "list leases.coordination.k8s.io -A",
      "create configmaps -n farrier-system",
      "patch crd/metal3machines.infrastructure.cluster.x-k8s.io",
    ]) {
      expect([what, await may(what)]).toEqual([what, "yes"]);
    }
    for (const what of [
      "create secrets -A",
      "delete secrets -A",
      "create configmaps -n metal",
      "delete baremetalhosts.metal3.io -A",
      "patch crd/baremetalhosts.metal3.io",
    ]) {
      expect([what, await may(what)]).toEqual([what, "no"]);
    }
  });
});

describe("the policy, without a control plane", () => {
  beforeAll(async () => {
    await kubectl("apply -f infra/manifests/validating-admission-policy.yaml");
    await refusesProbe("spec.firmware is no longer supported");
  });
  afterAll(async () => {
    await kubectl("delete -f infra/manifests/validating-admission-policy.yaml");
  });

  it("has no expression that the API server calls wrong", async () => {
    await expect
      .poll(async () => {
        const policy = "validatingadmissionpolicy baremetalhost.farrier.dev";
        return await kubectl(`get ${policy} -o jsonpath={.status.observedGeneration}`);
      })
      .toBe("1");
    const policy = "validatingadmissionpolicy baremetalhost.farrier.dev";
    expect(
      await kubectl(`get ${policy} -o jsonpath={.status.typeChecking.expressionWarnings}`),
    ).toBe("");
  });

  it.each([
    [
      "userData of another namespace",
      { userData: { name: "u", namespace: "default" } },
      "spec.userData.namespace",
    ],
    [
      "a user in the BMC's address",
      { bmc: { ...bmc, address: "ipmi://root:x@h" } },
      "put them in the Secret",
    ],
    ["a MAC of eight bytes", { bootMACAddress: "00:11:22:33:44:55:66:77" }, "six bytes"],
    [
      "an image without checksum",
      { image: { url: "http://h/a" } },
      "spec.image.checksum is required",
    ],
    ["a file as image", { image: { url: "file:///etc/passwd", checksum: "x" } }, "spec.image.url"],
    [
      "a device by UUID",
      { rootDeviceHints: { deviceName: "/dev/disk/by-uuid/x" } },
      "NAME; it is /dev/disk/by-uuid/x",
    ],
    ["offline without power off", { online: false, disablePowerOff: true }, "spec.online"],
    [
      "no MAC without inspection",
      { bmc, inspectionMode: "disabled" },
      "spec.bootMACAddress is required",
    ],
  ])("refuses %s", async (_, spec, says) => {
    expect(await attempt(manifest("refused", spec), "create --dry-run=server -f -")).toContain(
      says,
    );
  });

  it("accepts a plain host, its later edits and its deletion", async () => {
    await kubectl(
      "create -f -",
      manifest("plain", { bmc, bootMACAddress: "52:54:00:00:00:01", image }),
    );
    await kubectl("label bmh -n metal plain rack=7");
    expect(
      await attempt(
        "",
        `patch bmh -n metal plain --type=merge -p {"spec":{"bootMACAddress":"52:54:00:00:00:02"}}`,
      ),
    ).toContain("bootMACAddress can not be changed once it is set");
    await kubectl("delete bmh -n metal plain");
  });
});

describe("the webhook", () => {
  let server: AdmissionServer;

  beforeAll(async () => {
    server = await startAdmission(folder, {
      site: { kind: "site", name: "lab", connection: "connected", lastSeenMs: 1 },
      claimants: [],
      secrets: [],
      memory: undefined,
      hardware,
    });
    const { url, caPem } = server;
    await kubectl("apply -f -", renderWebhook({ url, caBundle: caPem }));
    // The policy of before takes a moment to go; it would speak first.
    await refusesProbe("remove it and use a HostFirmwareSettings");
  });
  afterAll(async () => {
    await kubectl("delete validatingwebhookconfigurations,mutatingwebhookconfigurations farrier");
    await server.close();
  });

  it("refuses with every problem and value in one message", async () => {
    const spec = { bmc, bootMode: "UEFISecureBoot", image: { url: "file:///x" } };
    const text = await attempt(manifest("bad", spec), "create -f -");
    expect(text).toContain("UEFISecureBoot needs a BMC");
    expect(text).toContain('"file:///x" is not a URL');
    expect(text).toContain("spec.image.checksum: is missing");
  });

  it("warns on creation, and shows the plan of a change on a server-side dry run", async () => {
    const spec = { bmc, bootMACAddress: "52:54:00:00:00:01", image };
    expect(await attempt(manifest("planned", spec), "create -f -")).toContain("ALL disks");
    await writeStatus("planned", makeHostStatus());
    const other = { ...spec, image: { ...image, url: "http://images.example/b.img" } };
    const text = await attempt(manifest("planned", other), "apply --dry-run=server -f -");
    expect(text).toContain("Warning: this change erases /dev/sda (serial D-1, 20.0 GiB)");
    expect(text).toContain("will be written over /dev/sda (serial D-1, 20.0 GiB)");
    const held = await kubectl("get bmh -n metal planned -o jsonpath={.spec.image.url}");
    expect(held).toBe(image.url);
    await kubectl("delete bmh -n metal planned");
  });

  it("lets the cluster go on when it does not answer", async () => {
    await server.close();
    await kubectl("create -f -", manifest("alone", { firmware: {} }));
    await kubectl("delete bmh -n metal alone");
  });
});
