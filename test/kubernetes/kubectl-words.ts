// kubectl as tests speak it: in one namespace, with objects instead of files.
import type { KubernetesHandle } from "../../infra/kubernetes/start-kubernetes.ts";
import type { ProgramResult } from "../../infra/preparation/run-program.ts";
import { testNamespace } from "./host-watch.ts";

export interface KubectlWords {
  /** In their namespace; what is refused is a result. */
  tryKubectl(args: readonly string[], input?: string): Promise<ProgramResult>;
  /** Throws with what kubectl said; returns its stdout without the last line end. */
  kubectl(args: readonly string[], input?: string): Promise<string>;
  /** Applies objects; what is refused is a result. */
  tryApply(objects: readonly object[], ...flags: readonly string[]): Promise<ProgramResult>;
  /** Throws when an object is refused. */
  apply(...objects: readonly object[]): Promise<void>;
}

export function kubectlWords(
  kubernetes: KubernetesHandle,
  namespace = testNamespace,
): KubectlWords {
  const tryKubectl = (args: readonly string[], input?: string) =>
    kubernetes.kubectl([`--namespace=${namespace}`, ...args], {
      timeoutMs: 60_000,
      ...(input === undefined ? {} : { input }),
    });
  const kubectl = async (args: readonly string[], input?: string) => {
    const { code, stdout, stderr } = await tryKubectl(args, input);
    if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}`);
    return stdout.trim();
  };
  const listOf = (items: readonly object[]) =>
    JSON.stringify({ apiVersion: "v1", kind: "List", items });
  return {
    tryKubectl,
    kubectl,
    tryApply: (objects: readonly object[], ...flags: readonly string[]) =>
      tryKubectl(["apply", "--filename=-", ...flags], listOf(objects)),
    async apply(...objects: readonly object[]) {
      await kubectl(["apply", "--filename=-"], listOf(objects));
    },
  };
}
