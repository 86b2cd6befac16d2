// Why a host is not chosen, the first that applies; in words for one and for several hosts.
import { detachedAnnotation, pausedAnnotation } from "../../metal3/annotations.ts";
import { hasDeployment } from "../../metal3/consumer.ts";
import { stateText } from "../consumer/host-text.ts";
import type { LabelTest } from "./label-selector.ts";
import type { HostBrief } from "../snapshot.ts";

export interface Wanted {
  readonly namespace: string;
  readonly uid: string;
  readonly matches: LabelTest;
  readonly ownerOf: (host: HostBrief) => "ours" | "nobody" | "other";
}

export type Words = string | ((host: HostBrief) => string);

export interface Rejection {
  readonly applies: (host: HostBrief, wanted: Wanted) => boolean;
  /** Bars even a claim that was ordered: the cluster link writes no consumer into such a host. */
  readonly bars?: true;
  readonly one: Words;
  readonly several: Words;
}

const unhealthyAnnotations = ["capm3.metal3.io/unhealthy", "capi.metal3.io/unhealthy"];
export const failureDomainLabel = "infrastructure.cluster.x-k8s.io/failure-domain";
const reuseLabel = "infrastructure.cluster.x-k8s.io/node-reuse";

const isAnnotated = (host: HostBrief, ...keys: readonly string[]) =>
  keys.some((key) => Object.hasOwn(host.annotations, key));

export const rejections: readonly Rejection[] = [
  {
    applies: (host, { namespace }) => host.namespace !== namespace, // M25
    one: "is in another namespace",
    several: "are in another namespace",
  },
  {
    applies: (host) => host.deleting || host.gone, // M22
    bars: true,
    one: "is being deleted",
    several: "are being deleted",
  },
  {
    applies: (host, { matches }) => !matches(host.labels), // M17
    one: "does not match spec.hostSelector",
    several: "do not match spec.hostSelector",
  },
  {
    applies: (host, { uid, ownerOf }) =>
      // M18
      ownerOf(host) === "other" || (host.claimedBy !== undefined && host.claimedBy !== uid),
    one: "has another consumer",
    several: "have another consumer",
  },
  {
    applies: ({ labels }) => Object.hasOwn(labels, reuseLabel), // M63
    one: `is kept by label ${reuseLabel}`,
    several: `are kept by label ${reuseLabel}`,
  },
  {
    applies: (host) => isAnnotated(host, pausedAnnotation), // M20
    bars: true,
    one: "is paused",
    several: "are paused",
  },
  {
    applies: (host) => isAnnotated(host, detachedAnnotation),
    bars: true,
    one: "is detached",
    several: "are detached",
  },
  {
    applies: (host) => isAnnotated(host, ...unhealthyAnnotations), // M21
    one: "is marked as unhealthy",
    several: "are marked as unhealthy",
  },
  {
    applies: ({ spec }) => spec.externallyProvisioned === true,
    bars: true,
    one: "is externally provisioned",
    several: "are externally provisioned",
  },
  {
    applies: ({ errorMessage }) => errorMessage !== "", // M19
    one: "has an error",
    several: "have an error",
  },
  {
    applies: ({ state }) => state !== "available" && state !== "ready", // M16
    one: (host) => `is ${stateText(host)}`,
    several: (host) => `are ${stateText(host)}`,
  },
  {
    applies: ({ spec }) => hasDeployment(spec),
    bars: true,
    one: "has an image already",
    several: "have an image already",
  },
];
