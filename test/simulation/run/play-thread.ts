// A MachineSet that is scaled up once and down again while nothing fails, on machines that really boot: what its tests
// look at.
import type { KubernetesObject, WorldEvent } from "../world/events.ts";
import { plainMachine } from "../workload/plain-machine.ts";
import { scenarioVersion } from "../workload/scenario.ts";
import type { ClusterPlan, Scenario } from "../workload/scenario.ts";
import { runScenario } from "./run-scenario.ts";
import type { Run } from "./run.ts";
import { startMs } from "./world.ts";

const second = 1_000;
const minute = 60 * second;
const set = "cluster-1/metal/workers";
/** When it is scaled to one, and to none, ms from the start. */
export const upMs = 4 * minute;
export const downMs = 12 * minute;

type EventOf<K extends WorldEvent["kind"]> = Extract<WorldEvent, { readonly kind: K }>;

export interface Thread {
  readonly run: Run;
  readonly stored: readonly EventOf<"object">[];
  /** Operating systems that began to run. */
  readonly booted: readonly EventOf<"running">[];
  /** The objects of a kind as they were then, ms from the start. */
  at(ms: number, kind: string): readonly KubernetesObject[];
}

export async function playThread(
  flavour: Pick<ClusterPlan, "hasClusterApi" | "hasOpenShift">,
  machines: readonly string[],
): Promise<Thread> {
  const stored: EventOf<"object">[] = [];
  const booted: EventOf<"running">[] = [];
  const run = await runScenario(scenarioOf(flavour, machines), {
    onEvent(event) {
      if (event.kind === "object") stored.push(event);
      if (event.kind === "running" && event.running === "operating system") booted.push(event);
    },
  });
  return {
    run,
    stored,
    booted,
    at(ms, kind) {
      const objects = new Map<string, KubernetesObject>();
      for (const { atMs, path, verb, after } of stored) {
        if (atMs > startMs + ms || after.kind !== kind) continue;
        if (verb === "gone") objects.delete(path);
        else objects.set(path, after);
      }
      return [...objects.values()];
    },
  };
}

function scenarioOf(
  flavour: Parameters<typeof playThread>[0],
  machines: readonly string[],
): Scenario {
  return {
    version: scenarioVersion,
    seed: 1,
    profile: "written",
    tier: "memory",
    faultsMs: downMs + minute,
    settleMs: 15 * minute,
    instances: 2,
    clusters: [{ name: "cluster-1", site: "site-1", ...flavour }],
    sites: [{ name: "site-1", skewMs: 0, driftPpm: 0 }],
    machines: machines.map((name) => plainMachine(name)),
    images: [{ name: "image-1", format: "raw", sizeBytes: 2 * 1024 ** 2 }],
    commands: [
      ...machines.map((machine) => {
        const host = `cluster-1/metal/${machine}`;
        return { atMs: second, kind: "create-host", host, machine, spec: {} } as const;
      }),
      { atMs: 2 * second, kind: "create-machine-set", set, image: "image-1" },
      { atMs: upMs, kind: "scale", set, replicas: 1 },
      { atMs: downMs, kind: "scale", set, replicas: 0 },
    ],
    faults: [],
  };
}
