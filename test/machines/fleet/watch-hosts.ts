// What `kubectl get bmh -w` shows, kept in the order in which it came: every version of every host.
import { createInterface } from "node:readline";
import type { KubernetesHandle } from "../../../infra/kubernetes/start-kubernetes.ts";
import { startTied } from "../../../infra/preparation/tied-process.ts";
import { namespace, stateOf } from "./host-object.ts";
import type { HostObject } from "./host-object.ts";

export interface SeenHost {
  readonly atMs: number;
  readonly type: "ADDED" | "MODIFIED" | "DELETED";
  readonly object: HostObject;
}

export interface HostWatch {
  /** All versions of the host, oldest first; from number `since` on. */
  seen(name: string, since?: number): readonly SeenHost[];
  /** The newest version; undefined when it is not there, or no longer. */
  latest(name: string): HostObject | undefined;
  /** States in the order in which they were seen, each as often as it was entered. */
  states(name: string, since?: number): readonly string[];
  /** How many versions of the host were seen: a mark for `since`. */
  count(name: string): number;
  stop(): void;
}

export function watchHosts(kubernetes: KubernetesHandle): HostWatch {
  const what = ["get", "baremetalhosts", `--namespace=${namespace}`, "--watch"];
  const output = ["--output-watch-events", "--output=json"];
  const kubectl = startTied(
    kubernetes.kubectlPath,
    [`--kubeconfig=${kubernetes.adminKubeconfigPath}`, ...what, ...output],
    {
      stdio: ["ignore", "pipe", "pipe"],
      // Without HOME kubectl keeps no cache, which another version of it may have left.
      env: { PATH: process.env["PATH"], HOME: "/nonexistent", NO_PROXY: "*" },
    },
  );
  const all: SeenHost[] = [];
  if (kubectl.child.stdout === null) throw new Error("kubectl has no output");
  createInterface({ input: kubectl.child.stdout }).on("line", (line) => {
    all.push({ atMs: Date.now(), ...(JSON.parse(line) as Omit<SeenHost, "atMs">) });
  });
  const seen = (name: string, since = 0): readonly SeenHost[] =>
    all.filter(({ object }) => object.metadata.name === name).slice(since);
  return {
    seen,
    latest(name) {
      const last = seen(name).at(-1);
      return last?.type === "DELETED" ? undefined : last?.object;
    },
    states(name, since) {
      const states = seen(name, since).map(({ object }) => stateOf(object));
      return states.filter((state, index) => state !== states[index - 1]);
    },
    count: (name) => seen(name).length,
    stop: () => kubectl.kill(),
  };
}
