// What tests say about Machines and what is made for them, by kubectl.
import { setTimeout as sleep } from "node:timers/promises";
import type { KubectlWords } from "../kubectl-words.ts";

/** Any object of the machine side, as kubectl shows it. */
export interface Held {
  readonly apiVersion: string;
  readonly metadata: {
    readonly name: string;
    readonly uid: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly deletionTimestamp?: string;
    readonly ownerReferences?: readonly { readonly kind: string; readonly uid: string }[];
  };
  readonly spec: Readonly<Record<string, unknown>>;
  readonly status?: Readonly<Record<string, unknown>> & {
    readonly conditions?: readonly Condition[];
  };
}

interface Condition {
  readonly type: string;
  readonly status: string;
  readonly reason: string;
  readonly message: string;
}

export interface MachineWords {
  /** As `machine/a`. */
  get(what: string): Promise<Held>;
  /** Of a MachineSet or MachineDeployment, by the label that its machines have. */
  list(kind: string, pool: string): Promise<readonly Held[]>;
  scale(what: string, replicas: number): Promise<string>;
  /** A merge patch. */
  patch(what: string, change: object): Promise<string>;
  /** Asks until it is as wanted; throws with its last form. */
  until(what: string, wanted: (held: Held) => boolean, timeoutMs?: number): Promise<Held>;
  /** Until so many of the kind in the pool are as wanted, and no others are there. */
  untilAll(
    kind: string,
    pool: string,
    wanted: { readonly count: number; readonly are?: (held: Held) => boolean },
    timeoutMs?: number,
  ): Promise<readonly Held[]>;
}

const usualMs = 60_000;
const pauseMs = 250;

export function machineWords(words: KubectlWords): MachineWords {
  const read = async (args: readonly string[]): Promise<unknown> =>
    JSON.parse(await words.kubectl(["get", ...args, "--output=json"]));
  const get = async (what: string) => (await read([what])) as Held;
  const list = async (kind: string, pool: string) =>
    ((await read([kind, `--selector=pool=${pool}`])) as { items: readonly Held[] }).items;
  const poll = async <T>(ask: () => Promise<T>, isRight: (seen: T) => boolean, limitMs: number) => {
    const deadline = Date.now() + limitMs;
    for (;;) {
      const seen = await ask();
      if (isRight(seen)) return seen;
      if (Date.now() > deadline) {
        throw new Error(`not within ${limitMs / 1000} s: ${isRight.toString()}; ${show(seen)}`);
      }
      await sleep(pauseMs);
    }
  };
  return {
    get,
    list,
    scale: (what, replicas) => words.kubectl(["scale", what, `--replicas=${replicas}`]),
    patch: (what, change) =>
      words.kubectl(["patch", what, "--type=merge", `--patch=${JSON.stringify(change)}`]),
    until: (what, wanted, timeoutMs = usualMs) => poll(() => get(what), wanted, timeoutMs),
    untilAll: (kind, pool, { count, are = () => true }, timeoutMs = usualMs) =>
      poll(
        () => list(kind, pool),
        (seen) => seen.length === count && seen.every(are),
        timeoutMs,
      ),
  };
}

function show(seen: unknown): string {
  return JSON.stringify(seen, (key, value: unknown) =>
    key === "managedFields" ? undefined : value,
  );
}

/** "True Reason", or undefined where there is no such condition. */
export function conditionOf({ status }: Held, type: string): string | undefined {
  const found = status?.conditions?.find((condition) => condition.type === type);
  return found === undefined ? undefined : `${found.status} ${found.reason}`;
}

export function messageOf({ status }: Held, type: string): string {
  return status?.conditions?.find((condition) => condition.type === type)?.message ?? "";
}
