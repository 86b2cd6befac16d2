// Gives a Kubernetes API of one's own: no container, no daemon, nothing shared with another. It
// never reads the KUBECONFIG of the environment: every operator's shell exports one, and what is
// done here deletes hosts.

import { randomUUID } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { join, resolve } from "node:path";
import { quote } from "../../shared/result.ts";
import type { BackgroundProgram } from "../preparation/background-program.ts";
import type { Progress } from "../preparation/progress.ts";
import { asStep } from "../preparation/progress.ts";
import { tryProgram } from "../preparation/run-program.ts";
import type { ProgramResult } from "../preparation/run-program.ts";
import { clusterApiProgram, startClusterApi } from "./cluster-api.ts";
import type { KubeconfigUser, KubernetesCredentials } from "./kubernetes-credentials.ts";
import { prepareCredentials, userCertificate, writeKubeconfig } from "./kubernetes-credentials.ts";
import { startProcesses } from "./kubernetes-processes.ts";
import { kubernetesPrograms } from "./kubernetes-programs.ts";
import type { PolicyRule } from "./policy-rule.ts";

export interface KubernetesOptions {
  /** Everything lives here; starting again in the same folder goes on with the same objects. */
  readonly directory: string;
  readonly progress: Progress;
  /** The IP address to listen on, which must exist; 127.0.0.1 by default. */
  readonly address?: string;
  /** A free one by default, or that of the last start in this folder. */
  readonly port?: number;
  /** Runs the core of cluster-api beside it. */
  readonly clusterApi?: boolean;
}

/** A user by certificate, or a service account by token; `rules` are granted in all namespaces. */
export type KubernetesIdentity = (
  | { readonly name: string; readonly groups?: readonly string[] }
  | { readonly serviceAccount: string; readonly namespace: string }
) & { readonly rules?: readonly PolicyRule[] };

export interface KubectlOptions {
  /** Sent to stdin, for `-f -`. */
  readonly input?: string;
  /** Whose rights to use; the admin's by default. */
  readonly kubeconfig?: string;
  readonly timeoutMs?: number;
}

export interface KubernetesHandle {
  readonly url: string;
  readonly caPem: string;
  readonly adminKubeconfigPath: string;
  readonly kubectlPath: string;
  /** Runs kubectl; an exit code other than 0 is a result. */
  kubectl(args: readonly string[], options?: KubectlOptions): Promise<ProgramResult>;
  /** Returns the path of a kubeconfig for somebody. A service account must exist. */
  kubeconfigFor(identity: KubernetesIdentity): Promise<string>;
  /** Ends all of it; the folder stays. */
  stop(): Promise<void>;
}

/** Starts the API and returns when it works; the programs are fetched or built the first time. */
export async function startKubernetes(options: KubernetesOptions): Promise<KubernetesHandle> {
  const { progress, address = "127.0.0.1", port } = options;
  const directory = resolve(options.directory);
  const programs = await kubernetesPrograms(progress);
  const clusterApi = options.clusterApi === true ? await clusterApiProgram(progress) : undefined;
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const credentials = await prepareCredentials(directory, address, progress);
  const { kubectl: kubectlPath } = programs;
  const processes = await asStep(progress, "start a Kubernetes API", () =>
    startProcesses({ directory, programs, credentials, address, port }),
  );
  const { url } = processes;
  const session: Session = { directory, url, credentials, kubectlPath };
  const admin = { name: "admin", proof: credentials.admin };
  await saveKubeconfig(session, adminFileName, admin);
  const handle: KubernetesHandle = {
    url,
    caPem: credentials.authority.certPem,
    adminKubeconfigPath: kubeconfigPath(session, adminFileName),
    kubectlPath,
    kubectl: (args, settings) => kubectl(session, args, settings),
    kubeconfigFor: (identity) => kubeconfigFor(session, identity),
    stop: () => processes.stop(),
  };
  if (clusterApi === undefined) return handle;
  const core = await startCore(session, handle, { program: clusterApi, progress });
  return {
    ...handle,
    async stop() {
      await core.stop(3_000);
      await handle.stop();
    },
  };
}

async function startCore(
  { directory, credentials: { authority } }: Session,
  handle: KubernetesHandle,
  { program, progress }: { readonly program: string; readonly progress: Progress },
): Promise<BackgroundProgram> {
  const place = { ...handle, directory, authority };
  try {
    return await asStep(progress, "start cluster-api", () => startClusterApi(place, program));
  } catch (cause) {
    await handle.stop();
    throw cause;
  }
}

interface Session {
  readonly directory: string;
  readonly url: string;
  readonly credentials: KubernetesCredentials;
  readonly kubectlPath: string;
}

const adminFileName = "admin";

function kubeconfigPath(session: Session, fileName: string): string {
  return join(session.directory, "kubeconfigs", `${fileName}.yaml`);
}

async function saveKubeconfig(
  session: Session,
  fileName: string,
  user: KubeconfigUser,
): Promise<string> {
  const file = kubeconfigPath(session, fileName);
  const caPem = session.credentials.authority.certPem;
  await writeKubeconfig(file, { url: session.url, caPem }, user);
  return file;
}

function kubectl(
  session: Session,
  args: readonly string[],
  options: KubectlOptions = {},
): Promise<ProgramResult> {
  const { input, timeoutMs, kubeconfig = kubeconfigPath(session, adminFileName) } = options;
  // HOME holds kubectl's caches and preferences (kuberc), which are the user's own otherwise.
  const home = join(session.directory, "home");
  return tryProgram(session.kubectlPath, [`--kubeconfig=${kubeconfig}`, ...args], {
    env: { HOME: home, KUBECONFIG: undefined, KUBERC: "off", NO_PROXY: "*", no_proxy: "*" },
    ...(input === undefined ? {} : { input }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  });
}

async function kubeconfigFor(session: Session, identity: KubernetesIdentity): Promise<string> {
  if (identity.rules !== undefined) await grant(session, identity, identity.rules);
  const fileName = randomUUID();
  if ("name" in identity) {
    const { name, groups = [] } = identity;
    const proof = await userCertificate(session.credentials.authority, name, groups);
    return saveKubeconfig(session, fileName, { name, proof });
  }
  const { serviceAccount: name, namespace } = identity;
  const args = ["create", "token", name, `--namespace=${namespace}`, "--duration=24h"];
  const { code, stdout, stderr } = await kubectl(session, args);
  if (code !== 0) {
    throw new Error(`No token for service account "${namespace}/${name}": ${stderr.trim()}`);
  }
  return saveKubeconfig(session, fileName, { name, proof: { token: stdout.trim() } });
}

async function grant(
  session: Session,
  identity: KubernetesIdentity,
  rules: readonly PolicyRule[],
): Promise<void> {
  const name = `granted-${randomUUID()}`;
  const apiGroup = "rbac.authorization.k8s.io";
  const apiVersion = `${apiGroup}/v1`;
  const subject =
    "name" in identity
      ? { kind: "User", name: identity.name, apiGroup }
      : { kind: "ServiceAccount", name: identity.serviceAccount, namespace: identity.namespace };
  const objects = [
    { apiVersion, kind: "ClusterRole", metadata: { name }, rules },
    {
      apiVersion,
      kind: "ClusterRoleBinding",
      metadata: { name },
      roleRef: { apiGroup, kind: "ClusterRole", name },
      subjects: [subject],
    },
  ];
  const input = JSON.stringify({ apiVersion: "v1", kind: "List", items: objects });
  const { code, stderr } = await kubectl(session, ["create", "-f", "-"], { input });
  if (code !== 0)
    throw new Error(`Cannot grant rights to ${quote(subject.name)}: ${stderr.trim()}`);
}
