// Decides about hosts, a few at a time, each host once at a time. Only a convenience of this instance: the rows
// stay due in the database until a decision is committed, so what is lost here is found again by the sweep.
import type { Log } from "../ports.ts";

export interface DecisionQueue {
  /** Resolves when a decision made after this call is there for each host. */
  decide(uids: readonly string[]): Promise<void>;
  /** Resolves when nothing is waiting or running. */
  idle(): Promise<void>;
}

interface Entry {
  readonly done: Promise<void>;
  readonly settle: () => void;
}

export function makeDecisionQueue(
  reconcile: (uid: string) => Promise<unknown>,
  options: { readonly concurrency: number; readonly log: Log },
): DecisionQueue {
  const waiting = new Map<string, Entry>();
  const running = new Set<string>();
  const all = new Set<Promise<void>>();

  function add(uid: string): Promise<void> {
    const known = waiting.get(uid);
    if (known !== undefined) return known.done;
    let settle: () => void = () => undefined;
    const done = new Promise<void>((resolve) => {
      settle = resolve;
    });
    waiting.set(uid, { done, settle });
    all.add(done);
    void forget(done);
    return done;
  }

  async function forget(done: Promise<void>): Promise<void> {
    await done;
    all.delete(done);
  }

  function pump(): void {
    for (const [uid, entry] of waiting) {
      if (running.size >= options.concurrency) return;
      if (running.has(uid)) continue;
      waiting.delete(uid);
      running.add(uid);
      void run(uid, entry);
    }
  }

  async function run(uid: string, entry: Entry): Promise<void> {
    try {
      await reconcile(uid);
    } catch (thrown) {
      options.log.error("decision failed", { uid, reason: String(thrown) });
    } finally {
      running.delete(uid);
      entry.settle();
      pump();
    }
  }

  return {
    async decide(uids) {
      const entries = uids.map(add);
      pump();
      await Promise.all(entries);
    },
    async idle() {
      while (all.size > 0) await Promise.all(all);
    },
  };
}
