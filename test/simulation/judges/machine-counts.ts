// How many Machines the MachineSets of OpenShift have, which Farrier keeps: what is ordered twice, late or by another
// instance makes none too many, and takes none too many away. Bound to what the MachineSet wanted just before.
import type { KubernetesObject, WorldEvent } from "../world/events.ts";
import { Calm } from "./calm.ts";
import {
  controllerOf,
  isDeleting,
  isOpenShiftMachine,
  isOpenShiftMachineSet,
} from "./machine-of.ts";

type ObjectEvent = Extract<WorldEvent, { readonly kind: "object" }>;

/** From the look at the MachineSet to the last of its Machines. */
const onItsWayMs = 500;

interface Known {
  /** What was wanted, and since when; newest last. */
  readonly wanted: { readonly replicas: number; readonly atMs: number }[];
  /** Uids of Machines that stay. */
  readonly members: Set<string>;
  /** Machines that others took away since it wanted another number. */
  lost: number;
}

export class MachineCounts {
  /** Whoever uses the same kinds of events calls these. */
  readonly calm = new Calm();
  /** By uid of the MachineSet. */
  readonly #sets = new Map<string, Known>();

  /** What is wrong now, if anything. */
  onObject(event: ObjectEvent): string | undefined {
    if (isOpenShiftMachineSet(event.after)) this.#onSet(event);
    return isOpenShiftMachine(event.after) ? this.#onMachine(event) : undefined;
  }

  #onSet({ after, verb, atMs }: ObjectEvent): void {
    const known = this.#of(after.metadata.uid);
    const { replicas = 1 } = (after.spec ?? {}) as { readonly replicas?: number };
    const now = verb === "gone" ? 0 : replicas;
    if (known.wanted.at(-1)?.replicas === now) return;
    known.wanted.push({ replicas: now, atMs });
    known.lost = 0;
  }

  #onMachine({ after, verb, by, atMs }: ObjectEvent): string | undefined {
    const set = controllerOf(after);
    if (set === undefined) return undefined;
    const { uid } = after.metadata;
    const known = this.#of(set);
    const stays = verb !== "gone" && !isDeleting(after);
    if (stays === known.members.has(uid)) return undefined;
    if (stays) known.members.add(uid);
    else known.members.delete(uid);
    if (by !== "farrier") {
      known.lost += stays ? 0 : 1;
      return undefined;
    }
    return this.#problemOf(known, { stays, atMs }, after);
  }

  #problemOf(
    { wanted, members, lost }: Known,
    { stays, atMs }: { readonly stays: boolean; readonly atMs: number },
    { metadata: { name } }: KubernetesObject,
  ): string | undefined {
    const sinceMs = atMs - onItsWayMs;
    // An agent that was stopped in between goes on with what it had seen.
    const calmMs = this.calm.sinceMs(({ what }) => what === "agent-paused");
    if (calmMs === undefined || calmMs > sinceMs) return undefined;
    const counts = wanted
      .filter((_, at) => (wanted[at + 1]?.atMs ?? Infinity) >= sinceMs)
      .map(({ replicas }) => replicas);
    const [least, most] = [Math.min(...counts), Math.max(...counts)];
    const has = `its MachineSet has ${members.size}`;
    if (stays && members.size > most) return `Farrier made ${name}: ${has}, and wants ${most}`;
    const isTooFew = !stays && members.size + lost < least;
    return isTooFew ? `Farrier deleted ${name}: ${has}, and wants ${least}` : undefined;
  }

  #of(uid: string): Known {
    const known = this.#sets.get(uid) ?? { wanted: [], members: new Set(), lost: 0 };
    this.#sets.set(uid, known);
    return known;
  }
}
