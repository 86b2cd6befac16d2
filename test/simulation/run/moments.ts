// Faults that strike at what the world does, and not at some time: while a machine is off between two steps, while its
// disk is half written. Whoever waits is called once, after a moment of its kind at its place.
import type { Kernel } from "../kernel/kernel.ts";
import type { Moment, Scenario, Struck } from "../workload/scenario.ts";
import type { Happened } from "../world/events.ts";

interface Waiting {
  readonly struck: Struck;
  readonly run: () => void;
}

export class Moments {
  readonly #kernel: Kernel;
  readonly #siteOf: ReadonlyMap<string, string>;
  readonly #places: ReadonlySet<string>;
  readonly #waiting = new Set<Waiting>();

  constructor(kernel: Kernel, { machines, sites, clusters }: Scenario) {
    this.#kernel = kernel;
    this.#siteOf = new Map(machines.map(({ name, site }) => [name, site]));
    this.#places = new Set([...machines, ...sites, ...clusters].map(({ name }) => name));
  }

  onHappened(happened: Happened): void {
    if (this.#waiting.size === 0) return;
    const moment = momentOf(happened);
    if (moment === undefined) return;
    for (const waiting of this.#waiting) {
      const { struck } = waiting;
      if (struck.moment === moment && this.#isAt(struck.place, happened)) this.#strike(waiting);
    }
  }

  /** At the latest after so long, whatever has happened. */
  wait(struck: Struck, longestMs: number, run: () => void): void {
    const waiting = { struck, run };
    this.#waiting.add(waiting);
    this.#kernel.timer(longestMs, () => this.#strike(waiting));
  }

  /** Nobody waits any longer: a run may end before the longest wait. */
  end(): void {
    for (const { run } of this.#waiting) run();
    this.#waiting.clear();
  }

  #strike(waiting: Waiting): void {
    if (!this.#waiting.delete(waiting)) return;
    this.#kernel.timer(Math.max(1, waiting.struck.delayMs), waiting.run);
  }

  /** What is at no place is everywhere. */
  #isAt(place: string, happened: Happened): boolean {
    if (!this.#places.has(place)) return true;
    const machine = "machine" in happened ? (happened.machine ?? "") : "";
    const cluster = "cluster" in happened ? happened.cluster : "";
    return place === machine || place === this.#siteOf.get(machine) || place === cluster;
  }
}

function momentOf(happened: Happened): Moment | undefined {
  const { kind } = happened;
  if (kind === "disk") return "disk-changes";
  if (kind === "power") return happened.on ? undefined : "power-cut";
  if (kind === "running") return happened.running === "ramdisk" ? "ramdisk-runs" : undefined;
  if (kind !== "object" || happened.after.kind !== "BareMetalHost") return undefined;
  if (happened.verb === "gone") return "host-gone";
  return happened.verb === "status" ? "status-written" : undefined;
}
