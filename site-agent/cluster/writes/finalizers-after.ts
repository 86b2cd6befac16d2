// The finalizers of an object after a write.

interface Change {
  readonly addFinalizers?: readonly string[] | undefined;
  readonly removeFinalizers?: readonly string[] | undefined;
}

interface Held {
  readonly finalizers?: readonly string[] | undefined;
  readonly deletionTimestamp?: string | undefined;
}

/** Undefined when they are as wanted. Kubernetes takes no new ones once an object is being deleted. */
export function finalizersAfter(change: Change, held: Held): string[] | undefined {
  const { finalizers = [], deletionTimestamp } = held;
  const removed = new Set(change.removeFinalizers ?? []);
  const kept = finalizers.filter((each) => !removed.has(each));
  const wanted = deletionTimestamp === undefined ? (change.addFinalizers ?? []) : [];
  const added = wanted.filter((each) => !kept.includes(each));
  return kept.length === finalizers.length && added.length === 0 ? undefined : [...kept, ...added];
}
