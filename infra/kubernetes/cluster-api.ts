// Runs the core of cluster-api, unmodified, beside a Kubernetes API: its kinds, its rights, its program. Its webhooks
// are not registered, as a test's API server knows no Services: what they would set is for whoever writes the objects.
// Its kinds have two versions and nobody who converts them: use v1beta2 only.

import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { startBackgroundProgram } from "../preparation/background-program.ts";
import type { BackgroundProgram } from "../preparation/background-program.ts";
import type { CertificateAuthority } from "../preparation/certificates.ts";
import { freePort } from "../preparation/free-port.ts";
import { buildGoProgram } from "../preparation/go-program.ts";
import type { Progress } from "../preparation/progress.ts";
import type { ProgramResult } from "../preparation/run-program.ts";
import { untilReady } from "../preparation/until-ready.ts";
import type { PolicyRule } from "./policy-rule.ts";
import { clusterApi } from "./programs.table.ts";

/** Where it runs; part of what a KubernetesHandle is. */
export interface ClusterApiPlace {
  /** That of the Kubernetes API. */
  readonly directory: string;
  readonly authority: CertificateAuthority;
  kubectl(args: readonly string[]): Promise<ProgramResult>;
  kubeconfigFor(identity: {
    readonly name: string;
    readonly rules: readonly PolicyRule[];
  }): Promise<string>;
}

/** Returns the path of the program, which may take half a minute the first time. */
export function clusterApiProgram(progress: Progress): Promise<string> {
  return buildGoProgram(clusterApi, progress);
}

/** Returns when it works. */
export async function startClusterApi(
  place: ClusterApiPlace,
  program: string,
): Promise<BackgroundProgram> {
  const shipped = dirname(program);
  await defineKinds(place, join(shipped, "kinds"));
  const rules = await shippedRules(join(shipped, "rights", "role.yaml"));
  const kubeconfig = await place.kubeconfigFor({ name: "cluster-api", rules });
  const certificates = await webhookCertificate(place);
  // A port that was free a moment ago may be taken by now: then it ends, and says so.
  for (let attempt = 1; ; attempt += 1) {
    const healthPort = await freePort();
    const running = startBackgroundProgram(
      program,
      [
        `--kubeconfig=${kubeconfig}`,
        `--webhook-cert-dir=${certificates}`,
        `--webhook-port=${await freePort()}`,
        `--health-addr=127.0.0.1:${healthPort}`,
        "--diagnostics-address=0",
        // The default would let a test with many Nodes wait for their end.
        "--clustercache-client-qps=200",
        "--clustercache-client-burst=400",
      ],
      {
        cwd: place.directory,
        logFile: join(place.directory, "logs", "cluster-api.log"),
        env: { PATH: process.env["PATH"], HOME: join(place.directory, "home") },
      },
    );
    try {
      await untilReady(running, () => isReady(healthPort));
      return running;
    } catch (cause) {
      await running.stop(0);
      const taken = running.failure()?.includes("address already in use") === true;
      if (!taken || attempt === portAttempts) throw cause;
    }
  }
}

const portAttempts = 5;

async function defineKinds(place: ClusterApiPlace, folder: string): Promise<void> {
  const steps = [
    ["apply", "--server-side", `--filename=${folder}`],
    ["wait", "--for=condition=Established", "--timeout=30s", `--filename=${folder}`],
  ];
  for (const step of steps) {
    const { code, stderr } = await place.kubectl(step);
    if (code !== 0) throw new Error(`kubectl ${step.join(" ")}: ${stderr}`);
  }
}

const clusterRole = z.object({
  rules: z.array(
    z.object({
      apiGroups: z.array(z.string()),
      resources: z.array(z.string()),
      resourceNames: z.array(z.string()).optional(),
      verbs: z.array(z.string()),
    }),
  ),
});

async function shippedRules(file: string): Promise<PolicyRule[]> {
  const { rules } = clusterRole.parse(parse(await readFile(file, "utf8")));
  return rules.map(({ resourceNames, ...rule }) =>
    resourceNames === undefined ? rule : { ...rule, resourceNames },
  );
}

/** It serves webhooks, called or not, and is not ready before. */
async function webhookCertificate({ directory, authority }: ClusterApiPlace): Promise<string> {
  const folder = join(directory, "pki", "cluster-api");
  await mkdir(folder, { recursive: true });
  const { certPem, keyPem } = await authority.issue({
    commonName: "cluster-api",
    dnsNames: ["localhost"],
    server: true,
  });
  await writeFile(join(folder, "tls.crt"), certPem);
  await writeFile(join(folder, "tls.key"), keyPem, { mode: 0o600 });
  return folder;
}

async function isReady(port: number): Promise<boolean> {
  try {
    const url = `http://127.0.0.1:${port}/readyz`;
    return (await fetch(url, { signal: AbortSignal.timeout(2_000) })).ok;
  } catch {
    return false;
  }
}
