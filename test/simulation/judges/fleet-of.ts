// The whole fleet at a moment, for judges: hosts with the machines that are theirs alone, and what their Secrets hold.
// Made in one pass, and again only when something has changed, for fleets are large and many judges ask.
import type { KubernetesObject } from "../world/events.ts";
import type { MachineTruth, Truth } from "../world/truth.ts";
import { bootsFrom, specOf } from "./host-of.ts";

export interface FleetHost {
  readonly cluster: string;
  readonly object: KubernetesObject;
  /** Whose BMC the host names, if no other host names it and the boot MAC is the machine's. */
  readonly machine: MachineTruth | undefined;
  /** What the Secret of its BMC holds; undefined: there is none. */
  readonly password: string | undefined;
}

const known = new WeakMap<Truth, { readonly changes: number; readonly fleet: Fleet }>();

type Fleet = readonly FleetHost[];

export function fleetOf(truth: Truth): Fleet {
  const { changes } = truth;
  const last = known.get(truth);
  if (last?.changes === changes) return last.fleet;
  const fleet = makeFleet(truth);
  known.set(truth, { changes, fleet });
  return fleet;
}

function makeFleet(truth: Truth): Fleet {
  const hosts: Placed[] = [];
  const passwords = new Map<string, string>();
  const namedBy = new Map<string, number>();
  for (const { cluster, object } of allObjects(truth)) {
    if (object.kind === "BareMetalHost") {
      hosts.push({ cluster, object });
      const address = addressOf(object);
      namedBy.set(address, (namedBy.get(address) ?? 0) + 1);
    } else if (object.kind === "Secret") {
      const { password } = (object["data"] ?? {}) as { readonly password?: string };
      if (password !== undefined) passwords.set(placeOf(cluster, object), password);
    }
  }
  const machines = new Map([...truth.machines.values()].map((each) => [each.bmcAddress, each]));
  return hosts.map(({ cluster, object }) => {
    const address = addressOf(object);
    const machine = namedBy.get(address) === 1 ? machines.get(address) : undefined;
    const data = passwords.get(placeOf(cluster, object, credentialsOf(object)));
    return {
      cluster,
      object,
      machine: bootsFrom(object, machine) ? machine : undefined,
      password: data === undefined ? undefined : Buffer.from(data, "base64").toString(),
    };
  });
}

interface Placed {
  readonly cluster: string;
  readonly object: KubernetesObject;
}

function allObjects(truth: Truth): readonly Placed[] {
  return truth.clusters.flatMap((cluster) =>
    [...truth.objects(cluster).values()].map((object) => ({ cluster, object })),
  );
}

/** As "10.1.0.11:623". */
function addressOf(host: KubernetesObject): string {
  const address = (specOf(host).bmc?.address ?? "").replace(/^ipmi:\/\//, "");
  return address.includes(":") ? address : `${address}:623`;
}

function placeOf(cluster: string, { metadata }: KubernetesObject, name = metadata.name): string {
  return `${cluster}/${metadata.namespace}/${name}`;
}

export function credentialsOf(host: KubernetesObject): string {
  const { bmc } = (host.spec ?? {}) as { readonly bmc?: { readonly credentialsName?: string } };
  return bmc?.credentialsName ?? "";
}

/** A machine whose firmware and BMC do as they are told, once nothing is wrong with them for a while. */
export function isOrdinary({ quirks }: MachineTruth): boolean {
  return quirks.length === 0;
}

/** Somebody may log in to the BMC of an ordinary machine: its password is known, and none failed lately. */
export function mayLogIn({ machine, password }: FleetHost): boolean {
  return (
    machine !== undefined &&
    isOrdinary(machine) &&
    machine.failedLogins === 0 &&
    !machine.lockedOut &&
    password === machine.password
  );
}
