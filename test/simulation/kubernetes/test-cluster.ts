// A cluster for unit tests, alone in virtual time: what it told, and what it asked the webhook.
import type { Happened } from "../world/events.ts";
import { makeKernel } from "../kernel/kernel.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type {
  KubernetesAnswer,
  KubernetesApi,
  KubernetesRequest,
} from "../../../site-agent/cluster/port.ts";
import { personCaller, SimulatedCluster } from "./simulated-cluster.ts";
import type { ReviewResponse } from "./server/admission.ts";

export interface AskedReview {
  readonly request: {
    readonly uid: string;
    readonly operation: string;
    readonly name: string;
    readonly dryRun: boolean;
    readonly object: object | null;
    readonly oldObject: object | null;
    readonly userInfo: { readonly username: string };
  };
}

export interface TestCluster {
  readonly kernel: Kernel;
  readonly cluster: SimulatedCluster;
  readonly person: KubernetesApi;
  readonly agent: KubernetesApi;
  readonly told: readonly Happened[];
  readonly reviews: readonly AskedReview[];
  /** What the webhook says from now on. */
  readonly say: (answer: () => Promise<ReviewResponse | undefined>) => void;
  /** Sends and waits in virtual time; throws when it cannot be reached. */
  readonly send: (
    api: KubernetesApi,
    ...request: readonly [method: KubernetesRequest["method"], path: string, body?: unknown]
  ) => Promise<KubernetesAnswer>;
}

export const testNamespace = "metal";
export const hostsPath = `/apis/metal3.io/v1alpha1/namespaces/${testNamespace}/baremetalhosts`;
export const secretsPath = `/api/v1/namespaces/${testNamespace}/secrets`;

export function makeTestCluster(
  seed = "a cluster",
  options: { readonly hasClusterApi?: boolean } = {},
): TestCluster {
  const kernel = makeKernel(seed, Date.parse("2026-11-01T12:00:00Z"));
  const told: Happened[] = [];
  const reviews: AskedReview[] = [];
  let answer = async (): Promise<ReviewResponse | undefined> => ({ allowed: true });
  const cluster = new SimulatedCluster({
    ...options,
    name: "stable",
    kernel,
    random: kernel.random,
    tell: (happened) => void told.push(happened),
    review: (body) => {
      reviews.push(body as AskedReview);
      return answer();
    },
  });
  return {
    kernel,
    cluster,
    person: cluster.apiAs(personCaller),
    agent: cluster.api,
    told,
    reviews,
    say: (next) => void (answer = next),
    async send(api, method, path, body) {
      const patch = method === "PATCH" ? ({ patch: "merge" } as const) : {};
      const sent = { method, path, ...patch, ...(body === undefined ? {} : { body }) };
      const got = await kernel.until(api.request(sent));
      if (!got.ok) throw new Error(got.error.message);
      return got.value;
    },
  };
}
