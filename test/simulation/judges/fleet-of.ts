// The whole fleet at a moment, for judges: hosts with the machines that are theirs alone, and what their Secrets hold.
// Made in one pass, and again only when something has changed, for fleets are large and many judges ask.
import type { KubernetesObject } from "../world/events.ts";
import type { MachineTruth, Truth } from "../world/truth.ts";
import { bootMacOf, bootsFrom, specOf } from "./host-of.ts";

export interface FleetHost {
  readonly cluster: string;
  readonly object: KubernetesObject;
  /** Whose BMC the host names and whose boot MAC it has, if no other host names either. */
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
  const hosts: (Placed & HostWords)[] = [];
  const passwords = new Map<string, string | undefined>();
  const machines = [...truth.machines.values()];
  const byAddress = new Map(machines.map((each) => [each.bmcAddress, each]));
  const byMac = new Map(machines.flatMap((each) => each.macs.map((mac) => [mac, each])));
  const namedBy = new Map<MachineTruth | undefined, number>();
  const count = (named: ReadonlySet<MachineTruth | undefined>): void => {
    for (const machine of named) namedBy.set(machine, (namedBy.get(machine) ?? 0) + 1);
  };
  for (const cluster of truth.clusters) {
    for (const object of truth.objects(cluster).values()) {
      if (object.kind === "BareMetalHost") {
        const words = hostWords.of(object);
        hosts.push({ cluster, object, ...words });
        count(new Set([byAddress.get(words.address), byMac.get(words.mac)]));
      } else if (object.kind === "Secret") {
        const { password, place } = secretWords.of(object);
        passwords.set(`${cluster}/${place}`, password);
      }
    }
  }
  return hosts.map(({ cluster, object, address, secret }) => {
    const machine = byAddress.get(address);
    const isOwn = namedBy.get(machine) === 1 && bootsFrom(object, machine);
    return {
      cluster,
      object,
      machine: isOwn ? machine : undefined,
      password: passwords.get(`${cluster}/${secret}`),
    };
  });
}

interface Placed {
  readonly cluster: string;
  readonly object: KubernetesObject;
}

/** What is read of objects; they never change, and most are still there the next time. */
class Words<T> {
  readonly #read: (object: KubernetesObject) => T;
  readonly #known = new WeakMap<KubernetesObject, T>();

  constructor(read: (object: KubernetesObject) => T) {
    this.#read = read;
  }

  of(object: KubernetesObject): T {
    const known = this.#known.get(object);
    if (known !== undefined) return known;
    const words = this.#read(object);
    this.#known.set(object, words);
    return words;
  }
}

interface HostWords {
  /** As "10.1.0.11:623". */
  readonly address: string;
  readonly mac: string;
  /** Of its credentials: namespace and name. */
  readonly secret: string;
}

const hostWords = new Words((host): HostWords => {
  const { bmc } = specOf(host);
  const address = (bmc?.address ?? "").replace(/^ipmi:\/\//, "");
  return {
    address: address.includes(":") ? address : `${address}:623`,
    mac: bootMacOf(host),
    secret: `${host.metadata.namespace}/${credentialsOf(host)}`,
  };
});

const secretWords = new Words(({ metadata, ...secret }) => {
  const { password } = (secret["data"] ?? {}) as { readonly password?: string };
  return {
    place: `${metadata.namespace}/${metadata.name}`,
    password: password === undefined ? undefined : Buffer.from(password, "base64").toString(),
  };
});

export function credentialsOf(host: KubernetesObject): string {
  const { bmc } = (host.spec ?? {}) as { readonly bmc?: { readonly credentialsName?: string } };
  return bmc?.credentialsName ?? "";
}

/** A machine whose firmware and BMC do as they are told, once nothing is wrong with them for a while. */
export function isOrdinary({ quirks }: MachineTruth): boolean {
  return quirks.length === 0;
}

/** Somebody may log in to the BMC of an ordinary machine: its password is known, and none failed lately. */
export function mayLogIn(host: FleetHost): boolean {
  return host.machine !== undefined && isOrdinary(host.machine) && isLetIn(host);
}

/** The BMC, whatever its quirks, takes what the Secret holds. */
export function isLetIn({ machine, password }: FleetHost): boolean {
  return (
    machine !== undefined &&
    machine.failedLogins === 0 &&
    !machine.lockedOut &&
    password === machine.password
  );
}
