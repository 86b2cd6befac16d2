// The Kubernetes API that the demo and the tests start for themselves, judged with kubectl: it does
// what users see of a real one, and it can be mistaken for nobody else's.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:https";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startKubernetes } from "../../infra/kubernetes/start-kubernetes.ts";
import type { KubernetesHandle } from "../../infra/kubernetes/start-kubernetes.ts";
import { makeCertificateAuthority } from "../../infra/preparation/certificates.ts";
import { silentProgress, terminalProgress } from "../../infra/preparation/progress.ts";
import { tryProgram } from "../../infra/preparation/run-program.ts";

let folder: string;
let first: KubernetesHandle;
let second: KubernetesHandle;
const userKubeconfig = process.env["KUBECONFIG"];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "farrier-kubernetes-"));
  // Whoever reads this fails, so every test here proves that nobody does.
  process.env["KUBECONFIG"] = join(folder, "garbage");
  await writeFile(join(folder, "garbage"), "{ not a kubeconfig");
  const progress = terminalProgress();
  // One after the other the first time, so that one builds what both need.
  first = await startKubernetes({ directory: join(folder, "first"), progress });
  second = await startKubernetes({ directory: join(folder, "second"), progress });
});

afterAll(async () => {
  if (userKubeconfig === undefined) delete process.env["KUBECONFIG"];
  else process.env["KUBECONFIG"] = userKubeconfig;
  await first?.stop();
  await second?.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Runs kubectl and returns its stdout; an error of kubectl fails the test with what it said. */
async function kubectl(
  cluster: KubernetesHandle,
  args: string,
  options: { input?: string; kubeconfig?: string } = {},
): Promise<string> {
  const { code, stdout, stderr } = await cluster.kubectl(args.split(" "), options);
  if (code !== 0) throw new Error(`kubectl ${args}: ${stderr}`);
  return stdout.trim();
}

function configMap(name: string, owner?: { name: string; uid: string }): string {
  const ownerReferences = owner && [{ apiVersion: "v1", kind: "ConfigMap", ...owner }];
  const metadata = { name, ...(ownerReferences && { ownerReferences }) };
  return JSON.stringify({ apiVersion: "v1", kind: "ConfigMap", metadata });
}

describe("a Kubernetes API of one's own", () => {
  it("is the version that is asked for when kubectl asks", async () => {
    const version = JSON.parse(await kubectl(first, "version --output=json")) as {
      serverVersion: { gitVersion: string };
    };
    expect(version.serverVersion.gitVersion).toMatch(/^v1\.\d+\.\d+$/);
  });

  it("creates and ends a namespace with what is in it", async () => {
    await kubectl(first, "create namespace stable");
    await kubectl(first, "create configmap horse --namespace=stable");
    await kubectl(first, "delete namespace stable --timeout=60s");
    expect(await kubectl(first, "get namespace stable --ignore-not-found")).toBe("");
  });

  it("removes an owned object when its owner is deleted", async () => {
    await kubectl(first, "create -f -", { input: configMap("owner") });
    const uid = await kubectl(first, "get configmap owner --output=jsonpath={.metadata.uid}");
    await kubectl(first, "create -f -", { input: configMap("owned", { name: "owner", uid }) });
    await kubectl(first, "create -f -", { input: configMap("bystander") });
    await kubectl(first, "delete configmap owner");
    await kubectl(first, "wait --for=delete configmap/owned --timeout=60s");
    expect(await kubectl(first, "get configmap bystander --output=name")).toBe(
      "configmap/bystander",
    );
  });

  it("refuses a user who has no rights and says who was refused", async () => {
    const kubeconfig = await first.kubeconfigFor({ name: "passer-by", groups: ["tourists"] });
    const { code, stderr } = await first.kubectl(["get", "secrets"], { kubeconfig });
    expect(code).toBe(1);
    expect(stderr).toContain('User "passer-by" cannot list resource "secrets"');
  });

  it("lets a user do what a rule grants, and no more", async () => {
    const kubeconfig = await first.kubeconfigFor({
      name: "reader",
      rules: [{ apiGroups: [""], resources: ["configmaps"], verbs: ["list"] }],
    });
    await kubectl(first, "get configmaps", { kubeconfig });
    const { stderr } = await first.kubectl(["create", "configmap", "x"], { kubeconfig });
    expect(stderr).toContain('User "reader" cannot create resource "configmaps"');
  });

  it("knows a service account by its token", async () => {
    await kubectl(first, "create serviceaccount groom");
    const kubeconfig = await first.kubeconfigFor({ serviceAccount: "groom", namespace: "default" });
    const whoAmI = "auth whoami --output=jsonpath={.status.userInfo.username}";
    expect(await kubectl(first, whoAmI, { kubeconfig })).toBe(
      "system:serviceaccount:default:groom",
    );
  });

  it("has nothing of another one that runs beside it", async () => {
    expect(first.url).not.toBe(second.url);
    await kubectl(first, "create namespace only-here");
    expect(await kubectl(second, "get namespace only-here --ignore-not-found")).toBe("");
    const { code, stderr } = await second.kubectl(["get", "namespaces"], {
      kubeconfig: first.adminKubeconfigPath,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const crossed = await second.kubectl(["get", "nodes", `--server=${first.url}`]);
    expect(crossed.stderr).toContain("certificate signed by unknown authority");
  });

  it("never reads KUBECONFIG, which whoever does read it stumbles over", async () => {
    const naive = await tryProgram(first.kubectlPath, ["get", "namespaces"]);
    expect(naive.stderr).toContain("error loading config file");
    await kubectl(first, "get namespaces");
  });

  it("refuses to run twice in one folder", async () => {
    const again = startKubernetes({
      directory: join(folder, "first"),
      progress: silentProgress,
    });
    await expect(again).rejects.toThrow("runs in");
    await kubectl(first, "get namespaces");
  });

  it("goes on with the same objects and users when it is started again", async () => {
    const directory = join(folder, "third");
    const progress = terminalProgress();
    const before = await startKubernetes({ directory, progress });
    let after: KubernetesHandle | undefined;
    try {
      const kubeconfig = await before.kubeconfigFor({ name: "rider", groups: ["system:masters"] });
      await kubectl(before, "create namespace kept", { kubeconfig });
      await before.stop();
      expect(programsIn(directory)).toEqual([]);
      after = await startKubernetes({ directory, progress });
      expect(after.url).toBe(before.url);
      expect(await kubectl(after, "get namespace kept --output=name", { kubeconfig })).toBe(
        "namespace/kept",
      );
    } finally {
      await before.stop();
      await after?.stop();
    }
  });

  it("leaves no program running when its starter is killed", async () => {
    const directory = join(folder, "killed");
    const script = `
      import { startKubernetes } from ${JSON.stringify(
        join(import.meta.dirname, "../../infra/kubernetes/start-kubernetes.ts"),
      )};
      const progress = { step: () => ({ note() {}, done() {}, fail() {} }) };
      await startKubernetes({ directory: ${JSON.stringify(directory)}, progress });
      console.log("ready");
      setInterval(() => {}, 1000);
    `;
    const starter = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(starter.stdout, "data");
    expect(programsIn(directory)).toEqual(["etcd", "kube-apiserver", "kube-controller-manager"]);
    starter.kill("SIGKILL");
    await once(starter, "exit");
    while (programsIn(directory).length > 0) await sleep(20);
  });
});

describe("an admission webhook on loopback", () => {
  it("is called, and refuses, when its caBundle has signed it", async () => {
    const authority = await makeCertificateAuthority(join(folder, "webhook"), "webhook");
    const { certPem, keyPem } = await authority.issue({
      commonName: "webhook",
      ipAddresses: ["127.0.0.1"],
      server: true,
    });
    const paths: string[] = [];
    const server = createServer({ cert: certPem, key: keyPem }, (request, response) => {
      paths.push(request.url ?? "");
      void text(request).then((body) => {
        const review = JSON.parse(body) as { request: { uid: string; name: string } };
        const { uid, name } = review.request;
        const status = { message: `no ${name} today` };
        const answer = { uid, allowed: name !== "oats", status, warnings: ["mind the step"] };
        response.setHeader("content-type", "application/json");
        const type = { apiVersion: "admission.k8s.io/v1", kind: "AdmissionReview" };
        response.end(JSON.stringify({ ...type, response: answer }));
      });
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    try {
      const { port } = server.address() as AddressInfo;
      await kubectl(second, "create namespace hooked");
      const url = `https://127.0.0.1:${port}/admission/secret-path`;
      await kubectl(second, "create -f -", { input: webhook(url, authority.certPem) });
      const create = (name: string) =>
        second.kubectl(["create", "configmap", name, "--namespace=hooked"]);
      // The configuration takes a moment to arrive at the server that just stored it.
      let refused = await create("oats");
      while (refused.code === 0) {
        await kubectl(second, "delete configmap oats --namespace=hooked");
        refused = await create("oats");
      }
      expect(refused.stderr).toContain("no oats today");
      const allowed = await create("hay");
      expect(allowed).toMatchObject({ code: 0, stdout: "configmap/hay created\n" });
      expect(allowed.stderr).toContain("Warning: mind the step");
      expect(paths[0]).toMatch(/^\/admission\/secret-path\?timeout=3s$/);
    } finally {
      server.close();
    }
  });
});

function webhook(url: string, caPem: string): string {
  return JSON.stringify({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind: "ValidatingWebhookConfiguration",
    metadata: { name: "loopback" },
    webhooks: [
      {
        name: "loopback.farrier.dev",
        clientConfig: { url, caBundle: Buffer.from(caPem).toString("base64") },
        rules: [
          {
            apiGroups: [""],
            apiVersions: ["v1"],
            resources: ["configmaps"],
            operations: ["CREATE"],
          },
        ],
        namespaceSelector: { matchLabels: { "kubernetes.io/metadata.name": "hooked" } },
        failurePolicy: "Ignore",
        sideEffects: "NoneOnDryRun",
        admissionReviewVersions: ["v1"],
        timeoutSeconds: 3,
      },
    ],
  });
}

/** The names of the programs whose working folder is `directory`. */
function programsIn(directory: string): string[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid) && target(`/proc/${pid}/cwd`) === directory)
    .map((pid) => target(`/proc/${pid}/exe`).split("/").at(-1) ?? "")
    .filter((name) => name === "etcd" || name.startsWith("kube-"))
    .toSorted((a, b) => (a < b ? -1 : 1));
}

// A process may be gone between two looks.
function target(link: string): string {
  try {
    return readlinkSync(link);
  } catch {
    return "";
  }
}
