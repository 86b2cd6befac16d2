// What clusterctl does with a paused host, its Secret and its HardwareData when it moves them to another cluster, here
// into the same one: they are made anew, with new uids and without their status, and the old ones go untouched.
import type { KubectlWords } from "../../kubectl-words.ts";

interface Held {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly labels?: object;
    readonly annotations?: object;
  };
  readonly [field: string]: unknown;
}

export async function moveHost(words: KubectlWords, name: string): Promise<void> {
  const whats = [`bmh/${name}`, `secret/${name}`, `hardwaredata/${name}`];
  const shown = await words.kubectl(["get", ...whats, "--output=json"]);
  const { items } = JSON.parse(shown) as { items: readonly Held[] };
  const noFinalizers = JSON.stringify({ metadata: { finalizers: null } });
  for (const what of whats)
    await words.kubectl(["patch", what, "--type=merge", `-p=${noFinalizers}`]);
  await words.kubectl(["delete", ...whats, "--ignore-not-found", "--timeout=20s"]);
  await words.apply(
    ...items.map(({ status: _left, metadata: held, ...object }) => {
      const { labels = {}, annotations = {}, namespace } = held;
      return { ...object, metadata: { name, namespace, labels, annotations } };
    }),
  );
}
