// Finds the programs of a Kubernetes API: KUBEBUILDER_ASSETS, what was built or fetched before, the
// published archive, or a build from Go modules. What the archive lacks (the controller manager:
// owner references and namespace deletion need it) is built for the version that the archive has.

import { existsSync } from "node:fs";
import { join } from "node:path";
import { buildGoProgram, findGoProgram } from "../preparation/go-program.ts";
import type { Progress } from "../preparation/progress.ts";
import { runProgram } from "../preparation/run-program.ts";
import { envtestPrograms } from "./envtest-archive.ts";
import { kubernetesVersion, moduleOf, programNames } from "./programs.table.ts";
import type { ProgramName } from "./programs.table.ts";

/** The path of each program. */
export type KubernetesPrograms = Readonly<Record<ProgramName, string>>;

/** Returns the programs, which may take minutes the first time. Throws with the ways out. */
export async function kubernetesPrograms(progress: Progress): Promise<KubernetesPrograms> {
  const given = process.env["KUBEBUILDER_ASSETS"];
  if (given !== undefined && given !== "") return programsIn(given, progress);

  const allBuilt = programNames.every((name) => findGoProgram(moduleOf(name)) !== undefined);
  const fetched = allBuilt ? undefined : await envtestPrograms(kubernetesVersion, progress);
  if (fetched !== undefined) return programsIn(fetched, progress);
  return eachProgram((name) => build(name, kubernetesVersion, progress));
}

async function programsIn(folder: string, progress: Progress): Promise<KubernetesPrograms> {
  const lacks = (name: ProgramName): boolean => !existsSync(join(folder, name));
  const missing = programNames.filter((name) => name !== "kube-controller-manager" && lacks(name));
  if (missing.length > 0) {
    throw new Error(
      `KUBEBUILDER_ASSETS "${folder}" has no ${missing.join(", no ")}. ` +
        "Name a folder that has them, or unset it to have them fetched or built",
    );
  }
  const { stdout } = await runProgram(join(folder, "kube-apiserver"), ["--version"]);
  const version = /v\d+\.\d+\.\d+/.exec(stdout)?.[0] ?? kubernetesVersion;
  return eachProgram(async (name) =>
    lacks(name) ? build(name, version, progress) : join(folder, name),
  );
}

async function build(name: ProgramName, version: string, progress: Progress): Promise<string> {
  const program = moduleOf(name, version);
  try {
    return await buildGoProgram(program, progress);
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(
      `Cannot get ${name} ${program.version}. Ways out:\n` +
        "  - set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and kubectl\n" +
        "  - let this machine reach a Go module proxy (GOPROXY), and have Go 1.26 or pip\n" +
        `  - copy the cache folder (FARRIER_CACHE) of a machine that has built it\n${why}`,
      { cause },
    );
  }
}

// One after the other: each build uses every core, and what the one before has compiled.
async function eachProgram(
  find: (name: ProgramName) => Promise<string>,
): Promise<KubernetesPrograms> {
  return {
    etcd: await find("etcd"),
    "kube-apiserver": await find("kube-apiserver"),
    "kube-controller-manager": await find("kube-controller-manager"),
    kubectl: await find("kubectl"),
  };
}
