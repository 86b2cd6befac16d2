// What admission asks of the fleet: a port, answered by the store with what is committed. It may be slow or
// down; admission then goes on without, and says so.
import type { Claim } from "../../shared/host/decision.ts";
import type { HostMemory, SiteView } from "../../shared/host/snapshot.ts";
import type { HardwareDetails } from "../../shared/metal3/hardware-details.ts";
import type { SecretFact } from "../../shared/protocol/facts/secret-fact.ts";

export interface FleetQuestion {
  readonly cluster: string;
  readonly namespace: string;
  readonly name: string;
  /** Undefined for a host that is being created. */
  readonly uid: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  /** What the host would hold at its site. */
  readonly claims: readonly Claim[];
}

export interface FleetView {
  /** The site that the host belongs to by label, namespace or because there is one only. */
  readonly site: SiteView;
  /** Other hosts that hold one of the claims at that site. */
  readonly claimants: readonly {
    readonly claim: Claim;
    readonly cluster: string;
    readonly namespace: string;
    readonly name: string;
  }[];
  /** Of this host, as the cluster link told them. */
  readonly secrets: readonly SecretFact[];
  /** Undefined for a host that is not known yet. */
  readonly memory: HostMemory | undefined;
  readonly hardware: HardwareDetails | undefined;
}

export interface FleetFacts {
  /** Undefined: no answer in time (the caller bounds it well below the webhook's 3 s). */
  lookUp(question: FleetQuestion): Promise<FleetView | undefined>;
}
