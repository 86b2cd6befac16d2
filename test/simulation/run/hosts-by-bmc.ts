// Which BareMetalHosts name which BMC, in all clusters: found in one pass, and again only when an object has changed.
import type { SimulatedCluster } from "../kubernetes/simulated-cluster.ts";
import type { KubernetesObject } from "../world/events.ts";

interface Placed {
  readonly cluster: string;
  readonly object: KubernetesObject;
}

const usualPort = 623;

export class HostsByBmc {
  readonly #clusters: ReadonlyMap<string, SimulatedCluster>;
  #found: ReadonlyMap<string, readonly Placed[]> = new Map();
  #foundAt = -1;

  constructor(clusters: ReadonlyMap<string, SimulatedCluster>) {
    this.#clusters = clusters;
  }

  /** Rises with each change of an object. */
  get version(): number {
    let version = 0;
    for (const cluster of this.#clusters.values()) version += cluster.version;
    return version;
  }

  /** As "10.1.0.11:623". */
  of(bmcAddress: string): readonly Placed[] {
    const { version } = this;
    if (this.#foundAt !== version) this.#found = this.#find();
    this.#foundAt = version;
    return this.#found.get(`ipmi://${bmcAddress}`) ?? [];
  }

  #find(): ReadonlyMap<string, readonly Placed[]> {
    const named = [...this.#clusters].flatMap(([cluster, { objects }]) =>
      [...objects.values()].flatMap((object) =>
        spellingsOf(object).map((spelling) => ({ spelling, cluster, object })),
      ),
    );
    return Map.groupBy(named, ({ spelling }) => spelling);
  }
}

function spellingsOf({ kind, spec }: KubernetesObject): readonly string[] {
  const { address = "" } = (spec?.["bmc"] ?? {}) as { readonly address?: string };
  return kind !== "BareMetalHost" || address === "" ? [] : [address, `${address}:${usualPort}`];
}
