// Follows the BareMetalHosts of a Kubernetes API as kubectl get -w does and keeps every version that it saw, so
// that tests wait for facts and can tell which states a host went through.
import { setTimeout as sleep } from "node:timers/promises";
import type { BareMetalHost } from "../../shared/metal3/bare-metal-host.ts";
import { makeNodeKubernetes } from "../../site-agent/adapters/node-kubernetes.ts";

export interface HostWatch {
  /** The newest version seen; undefined: there is no such host. */
  get(name: string, namespace?: string): BareMetalHost | undefined;
  /** All that there are now. */
  all(): readonly BareMetalHost[];
  /** Every version seen of all hosts that ever had this name, oldest first. */
  history(name: string, namespace?: string): readonly BareMetalHost[];
  /** The provisioning states that it went through, each once per visit. */
  states(name: string, namespace?: string): readonly string[];
  /** The first version, from now on or present already, that is as wanted. Throws with the last status. */
  until(
    name: string,
    wanted: (host: BareMetalHost) => boolean,
    within?: Within,
  ): Promise<BareMetalHost>;
  untilGone(name: string, within?: Within): Promise<void>;
  stop(): Promise<void>;
}

export interface Within {
  readonly namespace?: string;
  readonly timeoutMs?: number;
}

export const testNamespace = "metal";
const path = "/apis/metal3.io/v1alpha1/baremetalhosts?allowWatchBookmarks=false";

export function watchHosts(kubeconfig: string): HostWatch {
  const api = makeNodeKubernetes(kubeconfig);
  const present = new Map<string, BareMetalHost>();
  const seen = new Map<string, BareMetalHost[]>();
  const listeners = new Set<() => void>();
  const stop = new AbortController();
  const take = ({ type, object }: { type: string; object: unknown }) => {
    if (type !== "ADDED" && type !== "MODIFIED" && type !== "DELETED") return;
    const host = object as BareMetalHost;
    const key = `${host.metadata.namespace}/${host.metadata.name}`;
    seen.set(key, [...(seen.get(key) ?? []), host]);
    if (type === "DELETED") present.delete(key);
    else present.set(key, host);
    for (const listener of listeners) listener();
  };
  const ended = follow();

  async function follow(): Promise<void> {
    while (!stop.signal.aborted) {
      await api.watch(path, take, stop.signal);
      if (!stop.signal.aborted) await sleep(100);
    }
  }

  /** Resolves when `look` gives something, asked after each change. */
  async function wait<T>(
    look: () => T | undefined,
    timeoutMs: number,
    why: () => string,
  ): Promise<T> {
    const now = look();
    if (now !== undefined) return now;
    return await new Promise<T>((resolve, reject) => {
      const end = () => {
        clearTimeout(timer);
        listeners.delete(listener);
      };
      const listener = () => {
        const value = look();
        if (value === undefined) return;
        end();
        resolve(value);
      };
      const timer = setTimeout(() => {
        end();
        reject(new Error(`not within ${timeoutMs / 1000} s: ${why()}`));
      }, timeoutMs);
      listeners.add(listener);
    });
  }

  const keyOf = (name: string, namespace = testNamespace) => `${namespace}/${name}`;
  const show = (name: string, namespace?: string) => {
    const { spec, status, metadata } = present.get(keyOf(name, namespace)) ?? {};
    return `${name} is ${JSON.stringify({ metadata: { ...metadata, managedFields: undefined }, spec, status })}`;
  };
  const history = (name: string, namespace?: string) => seen.get(keyOf(name, namespace)) ?? [];
  return {
    get: (name, namespace) => present.get(keyOf(name, namespace)),
    all: () => [...present.values()],
    history,
    states(name, namespace) {
      const all = history(name, namespace).map((host) => host.status?.provisioning.state ?? "");
      return all.filter((state, index) => state !== all[index - 1]);
    },
    until: (name, wanted, { namespace, timeoutMs = 30_000 } = {}) =>
      wait(
        () => {
          const host = present.get(keyOf(name, namespace));
          return host !== undefined && wanted(host) ? host : undefined;
        },
        timeoutMs,
        () => `${wanted.toString()}; ${show(name, namespace)}`,
      ),
    async untilGone(name, { namespace, timeoutMs = 30_000 } = {}) {
      await wait(
        () => (present.has(keyOf(name, namespace)) ? undefined : true),
        timeoutMs,
        () => `gone; ${show(name, namespace)}`,
      );
    },
    async stop() {
      stop.abort();
      await ended;
    },
  };
}
