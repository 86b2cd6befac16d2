// Which BareMetalHosts name which BMC, in all clusters: kept up to date change by change, for judges ask after each.
import type { Happened, KubernetesObject } from "../world/events.ts";

interface Placed {
  readonly cluster: string;
  readonly object: KubernetesObject;
}

type ObjectEvent = Extract<Happened, { readonly kind: "object" }>;

const usualPort = 623;

export class HostsByBmc {
  /** By spec.bmc.address as written, then by cluster and path. */
  readonly #hosts = new Map<string, Map<string, Placed>>();
  #changes = 0;

  /** How many objects have changed so far, of any kind. */
  get changes(): number {
    return this.#changes;
  }

  onObject({ cluster, path, verb, before, after }: ObjectEvent): void {
    this.#changes += 1;
    if (after.kind !== "BareMetalHost") return;
    const key = `${cluster} ${path}`;
    const [from, to] = [addressOf(before), verb === "gone" ? "" : addressOf(after)];
    if (from !== to) this.#hosts.get(from)?.delete(key);
    if (to === "") return;
    const hosts = this.#hosts.get(to) ?? new Map<string, Placed>();
    this.#hosts.set(to, hosts.set(key, { cluster, object: after }));
  }

  /** As "10.1.0.11:623". */
  of(bmcAddress: string): readonly Placed[] {
    const [host = "", port] = bmcAddress.split(":");
    const spellings = [bmcAddress, ...(Number(port) === usualPort ? [host] : [])];
    return spellings.flatMap((each) => [...(this.#hosts.get(`ipmi://${each}`)?.values() ?? [])]);
  }
}

function addressOf(host: KubernetesObject | undefined): string {
  const { address = "" } = (host?.spec?.["bmc"] ?? {}) as { readonly address?: string };
  return address;
}
