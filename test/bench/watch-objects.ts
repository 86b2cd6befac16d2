// Follows one resource of a Kubernetes API and tells each version with the moment at which it came. Many objects are
// followed for the price of one: kubectl asked again and again would be most of what is measured.
import { setTimeout as sleep } from "node:timers/promises";
import { makeNodeKubernetes } from "../../site-agent/adapters/node-kubernetes.ts";
import type { Held } from "../kubernetes/machines/machine-words.ts";

export interface ObjectWatch {
  /** All that there are now, by name. */
  readonly present: ReadonlyMap<string, Held>;
  /** Resolves with the moment at which they were as wanted first. */
  until(
    wanted: (present: ReadonlyMap<string, Held>) => boolean,
    timeoutMs: number,
  ): Promise<number>;
  stop(): Promise<void>;
}

export function watchObjects(
  kubeconfig: string,
  path: string,
  onChange: (held: Held, atMs: number) => void = () => undefined,
): ObjectWatch {
  const api = makeNodeKubernetes(kubeconfig);
  const present = new Map<string, Held>();
  const listeners = new Set<(atMs: number) => void>();
  const stop = new AbortController();
  const take = ({ type, object }: { type: string; object: unknown }) => {
    if (type !== "ADDED" && type !== "MODIFIED" && type !== "DELETED") return;
    const held = object as Held;
    const atMs = performance.now();
    if (type === "DELETED") present.delete(held.metadata.name);
    else present.set(held.metadata.name, held);
    onChange(held, atMs);
    for (const listener of listeners) listener(atMs);
  };
  const ended = follow();

  /** A watch that ends may have missed that something went: each begins with a list. */
  async function follow(): Promise<void> {
    while (!stop.signal.aborted) {
      const version = await list();
      if (version !== undefined)
        await api.watch(`${path}?resourceVersion=${version}`, take, stop.signal);
      if (!stop.signal.aborted) await sleep(100);
    }
  }

  async function list(): Promise<string | undefined> {
    const answer = await api.request({ method: "GET", path });
    if (!answer.ok || answer.value.status !== 200) return undefined;
    const { items, metadata } = answer.value.body as {
      items: Held[];
      metadata: { resourceVersion: string };
    };
    const names = new Set(items.map((held) => held.metadata.name));
    for (const name of present.keys()) if (!names.has(name)) present.delete(name);
    for (const object of items) take({ type: "MODIFIED", object });
    for (const listener of listeners) listener(performance.now());
    return metadata.resourceVersion;
  }

  return {
    present,
    until: (wanted, timeoutMs) =>
      new Promise((resolve, reject) => {
        const listener = (atMs: number) => {
          if (!wanted(present)) return;
          clearTimeout(timer);
          listeners.delete(listener);
          resolve(atMs);
        };
        const timer = setTimeout(() => {
          listeners.delete(listener);
          reject(new Error(`${path} not within ${timeoutMs / 1000} s: ${wanted.toString()}`));
        }, timeoutMs);
        listeners.add(listener);
        listener(performance.now());
      }),
    async stop() {
      stop.abort();
      await ended;
    },
  };
}
