// The Nodes of workload clusters, as their kubeconfig Secrets let us see them. One look serves all machines of a
// cluster that ask at about the same time, and one that does not answer is left alone for a while.
import { z } from "zod";
import { fromBase64 } from "../../../shared/bytes.ts";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { Clock } from "../../ports.ts";
import type { ConnectCluster, KubernetesApi } from "../port.ts";
import { secretPath } from "../writes/write-attempt.ts";
import { readKubeconfig } from "./read-kubeconfig.ts";
import { readNode, type WorkloadNode } from "./workload-node.ts";

/** How long a look counts. */
const freshMs = 2_000;
/** How long one that does not answer is not asked again. */
const downMs = 10_000;
const pageSize = 250;
const maxPages = 100;

export interface WorkloadClusterDeps {
  /** The cluster that holds the Secrets. */
  readonly api: KubernetesApi;
  readonly connectCluster: ConnectCluster;
  readonly clock: Clock;
}

export interface WorkloadCluster {
  readonly api: Pick<KubernetesApi, "request">;
  /** By name; what a write makes of a Node is put here. */
  readonly nodes: Map<string, WorkloadNode>;
}

/**
 * away: the cluster that holds the Secrets does not answer. problem: something that a person can mend. down: the
 * workload cluster gives no answer, or none that helps.
 */
export type LookError = "away" | "problem" | "down";
type Look = Result<WorkloadCluster, LookError>;

export interface WorkloadClusters {
  /** Without a name: the cluster that holds the Secrets. */
  look(namespace: string, clusterName: string | undefined): Promise<Look>;
  /** A look that begins after this call: those that ask while one is under way share the next. */
  lookAnew(namespace: string, clusterName: string | undefined): Promise<Look>;
  /** The next look is a new one. */
  forget(namespace: string, clusterName: string | undefined): void;
}

/** Of no Secret: its own cluster. */
const ownKey = "";
const keyOf = (namespace: string, name: string | undefined) =>
  name === undefined ? ownKey : `${namespace}/${name}`;

export function makeWorkloadClusters(deps: WorkloadClusterDeps): WorkloadClusters {
  const { clock } = deps;
  /** Without `untilMs` it is still on its way. */
  const looks = new Map<string, { readonly look: Promise<Look>; untilMs?: number }>();
  /** Looks that begin when the one under way has ended. */
  const next = new Map<string, Promise<Look>>();
  const clusters: WorkloadClusters = {
    lookAnew(namespace, clusterName) {
      const key = keyOf(namespace, clusterName);
      const waiting = next.get(key);
      if (waiting !== undefined) return waiting;
      const anew = async () => {
        await looks.get(key)?.look.catch(() => undefined);
        next.delete(key);
        looks.delete(key);
        return await clusters.look(namespace, clusterName);
      };
      const look = anew();
      next.set(key, look);
      return look;
    },
    async look(namespace, clusterName) {
      for (const [key, { untilMs }] of looks)
        if (untilMs !== undefined && untilMs <= clock.monotonicMs()) looks.delete(key);
      const key = keyOf(namespace, clusterName);
      const known = looks.get(key);
      if (known !== undefined) return await known.look;
      const entry: { readonly look: Promise<Look>; untilMs?: number } = {
        look: clusterName === undefined ? lookAround(deps) : lookAt(deps, namespace, clusterName),
      };
      looks.set(key, entry);
      let forMs = 0;
      try {
        const outcome = await entry.look;
        forMs = keptMs(outcome);
        return outcome;
      } finally {
        entry.untilMs = clock.monotonicMs() + forMs;
      }
    },
    forget: (namespace, clusterName) => void looks.delete(keyOf(namespace, clusterName)),
  };
  return clusters;
}

function keptMs(look: Look): number {
  if (look.ok || look.error.kind === "problem") return freshMs;
  return look.error.kind === "down" ? downMs : 0;
}

async function lookAround({ api }: WorkloadClusterDeps): Promise<Look> {
  const nodes = await listNodes(api);
  if (nodes.ok) return ok({ api, nodes: nodes.value });
  const { kind, message } = nodes.error;
  const what = `the Nodes of this cluster cannot be read: ${message}`;
  return err(kind === "refused" ? "problem" : "away", what);
}

async function lookAt(
  deps: WorkloadClusterDeps,
  namespace: string,
  clusterName: string,
): Promise<Look> {
  const secret = `Secret ${namespace}/${clusterName}-kubeconfig`;
  const text = await readSecret(deps.api, namespace, clusterName);
  if (!text.ok) return text;
  if (text.value === undefined)
    return err(
      "problem",
      `${secret} is missing or has no key "value"; without the workload cluster's kubeconfig there its Nodes cannot be linked`,
    );
  const access = readKubeconfig(text.value);
  if (!access.ok) return err("problem", `${secret} ${access.error.message}`);
  const api = deps.connectCluster(access.value);
  const nodes = await listNodes(api);
  if (nodes.ok) return ok({ api, nodes: nodes.value });
  const { server } = access.value;
  return err("down", `the API server ${server} of ${secret} gave no Nodes: ${nodes.error.message}`);
}

const secretObject = z.object({ data: z.object({ value: z.string().optional() }).optional() });

async function readSecret(
  api: KubernetesApi,
  namespace: string,
  clusterName: string,
): Promise<Result<string | undefined, LookError>> {
  const path = secretPath(namespace, `${clusterName}-kubeconfig`);
  const answer = await api.request({ method: "GET", path });
  if (!answer.ok) return err("away", answer.error.message);
  const { status, body } = answer.value;
  if (status === 404) return ok(undefined);
  const what = `reading Secret ${namespace}/${clusterName}-kubeconfig was answered with ${status}`;
  if (status !== 200) return err(status === 403 ? "problem" : "away", what);
  const value = secretObject.safeParse(body).data?.data?.value;
  const bytes = value === undefined ? undefined : fromBase64(value);
  return ok(bytes === undefined ? undefined : new TextDecoder().decode(bytes));
}

const nodeList = z.object({
  metadata: z.object({ continue: z.string().optional() }),
  items: z.array(z.unknown()),
});

async function listNodes(
  api: WorkloadCluster["api"],
): Promise<Result<Map<string, WorkloadNode>, "down" | "refused">> {
  const nodes = new Map<string, WorkloadNode>();
  let next = "";
  for (let page = 0; page < maxPages; page += 1) {
    const more = next === "" ? "" : `&continue=${encodeURIComponent(next)}`;
    const path = `/api/v1/nodes?limit=${pageSize}${more}`;
    const answer = await api.request({ method: "GET", path });
    if (!answer.ok) return err("down", answer.error.message);
    const { status, body } = answer.value;
    const refusal = refusals[status];
    if (refusal !== undefined) return err("refused", refusal);
    if (status !== 200) return err("down", `it answered ${status}`);
    const list = nodeList.safeParse(body);
    if (!list.success) return err("down", "its answer is not a list of Nodes");
    for (const item of list.data.items) {
      const node = readNode(item);
      if (node !== undefined) nodes.set(node.name, node);
    }
    next = list.data.metadata.continue ?? "";
    if (next === "") return ok(nodes);
  }
  return err("down", `it has more than ${pageSize * maxPages} Nodes`);
}

const refusals: Readonly<Record<number, string>> = {
  401: "it answered 401; renew the kubeconfig",
  403: "it answered 403; the kubeconfig's user needs the right to list Nodes",
};
