// Runs etcd, kube-apiserver and kube-controller-manager of one Kubernetes API and says when they
// are ready. The controller manager is there for what users see of it: garbage collection of owned
// objects, the end of namespaces, service accounts. There are no nodes and no scheduler.

import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import https from "node:https";
import { isIPv6 } from "node:net";
import { join } from "node:path";
import { startBackgroundProgram } from "../preparation/background-program.ts";
import type { BackgroundProgram } from "../preparation/background-program.ts";
import { tryFileLock } from "../preparation/file-lock.ts";
import { freePort } from "../preparation/free-port.ts";
import { untilReady } from "../preparation/until-ready.ts";
import type { KubernetesCredentials } from "./kubernetes-credentials.ts";
import { serviceRange, writeKubeconfig } from "./kubernetes-credentials.ts";
import type { KubernetesPrograms } from "./kubernetes-programs.ts";

export interface ProcessesRequest {
  readonly directory: string;
  readonly programs: KubernetesPrograms;
  readonly credentials: KubernetesCredentials;
  /** The IP address that the API server listens on. */
  readonly address: string;
  /** A free one, the same as last time in this directory if possible, when undefined. */
  readonly port: number | undefined;
}

export interface KubernetesProcesses {
  readonly url: string;
  stop(): Promise<void>;
}

const portAttempts = 5;

/** Returns when the API and its controllers work. Throws with the end of a log; nothing is left. */
export async function startProcesses(request: ProcessesRequest): Promise<KubernetesProcesses> {
  const { directory } = request;
  const unlock = await tryFileLock(join(directory, "lock"));
  if (unlock === undefined) {
    throw new Error(`A Kubernetes API runs in "${directory}" already; choose another folder`);
  }
  await mkdir(join(directory, "home"), { recursive: true });
  // A killed etcd leaves its socket, which would pass for the one to come.
  await rm(join(directory, "etcd.sock"), { force: true });
  const running: BackgroundProgram[] = [];
  const stop = async (): Promise<void> => {
    for (const program of running.toReversed()) await program.stop(3_000);
    await unlock();
  };
  try {
    running.push(await startEtcd(request));
    const api = await startApiServer(request);
    running.push(api.program);
    running.push(await startControllerManager(request, api.url));
    return { url: api.url, stop };
  } catch (cause) {
    await stop();
    throw cause;
  }
}

async function startEtcd(request: ProcessesRequest): Promise<BackgroundProgram> {
  const program = start(request, "etcd", [
    "--data-dir=etcd",
    // A socket in our own folder: no port to collide on, and nobody else can read the Secrets in
    // it. Relative, as a socket's path has at most 107 bytes. Nobody dials what is advertised.
    `--listen-client-urls=${etcdUrl}`,
    "--advertise-client-urls=http://localhost:2379",
    "--listen-peer-urls=unix://peer.sock",
    "--initial-advertise-peer-urls=http://localhost:2380",
    "--initial-cluster=default=http://localhost:2380",
    "--log-level=warn",
    // What is in the page cache outlives a killed process; these data need not outlive a power cut.
    "--unsafe-no-fsync",
  ]);
  const socket = join(request.directory, "etcd.sock");
  await untilReady(program, () => Promise.resolve(existsSync(socket)));
  return program;
}

const etcdUrl = "unix://etcd.sock";

interface ApiServer {
  readonly program: BackgroundProgram;
  readonly url: string;
}

// A port that was free a moment ago may be taken by now: then kube-apiserver ends, and says so.
async function startApiServer(request: ProcessesRequest): Promise<ApiServer> {
  const portFile = join(request.directory, "port");
  const usedBefore = existsSync(portFile) ? Number(await readFile(portFile, "utf8")) : undefined;
  let wanted = request.port ?? usedBefore;
  for (let attempt = 1; ; attempt += 1) {
    const port = wanted ?? (await freePort(request.address));
    const program = start(request, "kube-apiserver", apiServerFlags(request, port));
    const url = `https://${isIPv6(request.address) ? `[${request.address}]` : request.address}:${port}`;
    try {
      await untilReady(program, () => answers(request, `${url}/readyz`));
      await writeFile(portFile, String(port));
      return { program, url };
    } catch (cause) {
      await program.stop(0);
      const taken = program.failure()?.includes("address already in use") === true;
      if (!taken || request.port !== undefined || attempt === portAttempts) throw cause;
      wanted = undefined;
    }
  }
}

function apiServerFlags(request: ProcessesRequest, port: number): string[] {
  const { authority, serverCertFile, serverKeyFile, serviceAccountKeyFile } = request.credentials;
  return [
    `--etcd-servers=${etcdUrl}`,
    `--bind-address=${request.address}`,
    `--advertise-address=${request.address}`,
    `--secure-port=${port}`,
    // There is no kubernetes Service to keep an endpoint in.
    "--endpoint-reconciler-type=none",
    `--service-cluster-ip-range=${serviceRange.cidr}`,
    `--tls-cert-file=${serverCertFile}`,
    `--tls-private-key-file=${serverKeyFile}`,
    `--client-ca-file=${authority.certFile}`,
    "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
    `--service-account-key-file=${serviceAccountKeyFile}`,
    `--service-account-signing-key-file=${serviceAccountKeyFile}`,
    "--authorization-mode=Node,RBAC",
    // Nodes join with a bootstrap token and a certificate that they ask for.
    "--enable-bootstrap-token-auth=true",
    "--enable-admission-plugins=NodeRestriction",
    "--allow-privileged=true",
  ];
}

const controllers = [
  "garbage-collector-controller",
  "namespace-controller",
  "serviceaccount-controller",
  "serviceaccount-token-controller",
  "legacy-serviceaccount-token-cleaner-controller",
  "root-ca-certificate-publisher-controller",
  "clusterrole-aggregation-controller",
  "validatingadmissionpolicy-status-controller",
  "certificatesigningrequest-approving-controller",
  "certificatesigningrequest-signing-controller",
  "pod-garbage-collector-controller",
  "disruption-controller",
];

async function startControllerManager(
  request: ProcessesRequest,
  url: string,
): Promise<BackgroundProgram> {
  const { authority, serviceAccountKeyFile } = request.credentials;
  const { certPem: caPem } = authority;
  const kubeconfig = join(request.directory, "kubeconfigs", "kube-controller-manager.yaml");
  const name = "system:kube-controller-manager";
  const proof = await authority.issue({ commonName: name, client: true });
  await writeKubeconfig(kubeconfig, { url, caPem }, { name, proof });
  const program = start(request, "kube-controller-manager", [
    `--kubeconfig=${kubeconfig}`,
    `--controllers=${controllers.join(",")}`,
    `--root-ca-file=${authority.certFile}`,
    `--service-account-private-key-file=${serviceAccountKeyFile}`,
    `--cluster-signing-cert-file=${authority.certFile}`,
    `--cluster-signing-key-file=${authority.keyFile}`,
    "--use-service-account-credentials=true",
    "--leader-elect=false",
    "--secure-port=0",
    // The defaults would let a test with many objects wait for their end.
    "--kube-api-qps=200",
    "--kube-api-burst=400",
  ]);
  // Made by the service account controller; after a start with older data it is there already.
  const proofOfWork = `${url}/api/v1/namespaces/default/serviceaccounts/default`;
  await untilReady(program, () => answers(request, proofOfWork));
  return program;
}

function start(
  request: ProcessesRequest,
  name: keyof KubernetesPrograms,
  args: readonly string[],
): BackgroundProgram {
  const { directory, programs } = request;
  return startBackgroundProgram(programs[name], args, {
    cwd: directory,
    logFile: join(directory, "logs", `${name}.log`),
    // Nothing of the user's settings, proxies above all: webhooks are called on loopback.
    env: { PATH: process.env["PATH"], HOME: join(directory, "home") },
  });
}

/** Whether a GET as the admin is answered with 200, by a server that our authority has signed. */
function answers({ credentials }: ProcessesRequest, url: string): Promise<boolean> {
  const { authority, admin } = credentials;
  return new Promise((resolve) => {
    const call = https.request(
      url,
      {
        ca: authority.certPem,
        cert: admin.certPem,
        key: admin.keyPem,
        agent: false,
        timeout: 2_000,
      },
      (response) => {
        response.resume();
        response.once("end", () => resolve(response.statusCode === 200));
      },
    );
    call.once("timeout", () => call.destroy());
    call.once("error", () => resolve(false));
    call.end();
  });
}
