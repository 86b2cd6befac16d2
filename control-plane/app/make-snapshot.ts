// Rows of the store → the snapshot that a decision is made from. The same rows always give the same.
import type { ClusterLinkView, SiteView, Snapshot } from "../../shared/host/snapshot.ts";
import { isSameJson } from "../../shared/host/document/canonical-json.ts";
import { elderConflict } from "../../shared/host/document/elder-conflict.ts";
import { chooseSite } from "../../shared/host/site.ts";
import { siteKey } from "../../shared/metal3/annotations.ts";
import { bareMetalHost, type BareMetalHost } from "../../shared/metal3/bare-metal-host.ts";
import { hardwareDataSpec } from "../../shared/metal3/hardware-data.ts";
import type { HardwareDetails } from "../../shared/metal3/hardware-details.ts";
import { objectMeta } from "../../shared/metal3/object-meta.ts";
import { validateBareMetalHost } from "../../shared/metal3/validate-bare-metal-host.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import { z } from "zod";
import type { HostRows } from "../ports.ts";
import { leaseTtlMs, siteDegradedAfterMs, siteUnreachableAfterMs } from "../lease-times.table.ts";

const hardwareObject = z.looseObject({
  metadata: objectMeta.pick({ ownerReferences: true }).optional(),
  spec: hardwareDataSpec.optional(),
});

/** "invalid": the object does not fit the schema of its kind; the message names the fields, not their values. */
export function makeSnapshot(
  rows: HostRows,
  nowMs: number,
  claimConflict: string | undefined,
): Result<Snapshot, "invalid"> {
  const read = readHost(rows.host.object);
  if (!read.ok) return read;
  const { host, invalid } = read.value;
  const site = viewSite({ ...rows, site: rows.host.site }, host.metadata.labels, nowMs);
  return ok({
    nowMs,
    cluster: rows.host.cluster,
    host,
    deleted: rows.host.deleted,
    invalid,
    memory: rows.host.memory,
    forgotten: rows.host.memory === undefined && rows.host.site !== undefined,
    hardware: readHardware(rows.hardware, host.metadata.uid),
    site,
    clusterLink: viewClusterLink(rows.clusterLink, nowMs),
    secrets: Object.fromEntries(rows.secrets.map((fact) => [fact.purpose, fact])),
    operation: rows.operation,
    power: rows.host.power,
    bmcProblem: rows.host.bmcProblem,
    claimConflict: claimConflict ?? conflictWithElder(rows, host, site),
  });
}

interface ReadHost {
  readonly host: BareMetalHost;
  /** What is to be corrected. */
  readonly invalid: readonly string[];
}

/** Of most decisions the object is that of the last one: to compare costs a tenth of reading it. */
const lastRead = new Map<string, { readonly object: object; readonly read: ReadHost }>();
const mostRead = 1_000;

function readHost(object: HostRows["host"]["object"]): Result<ReadHost, "invalid"> {
  const kind = { apiVersion: "metal3.io/v1alpha1", kind: "BareMetalHost" };
  const uid = String(object.metadata.uid);
  const last = lastRead.get(uid);
  if (last !== undefined && isSameJson(last.object, object)) return ok(last.read);
  const parsed = bareMetalHost.safeParse({ ...kind, ...object });
  if (!parsed.success) {
    const fields = parsed.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`);
    return err("invalid", fields.slice(0, 8).join("; "));
  }
  const read = { host: parsed.data, invalid: validateBareMetalHost(parsed.data) };
  lastRead.delete(uid);
  lastRead.set(uid, { object, read });
  const [oldest] = lastRead.keys();
  if (lastRead.size > mostRead && oldest !== undefined) lastRead.delete(oldest);
  return ok(read);
}

function conflictWithElder(
  { host: row, elders, sites }: HostRows,
  { spec }: BareMetalHost,
  site: SiteView,
): string | undefined {
  const { bmc, bootMACAddress } = spec;
  return elderConflict(
    { ...row, site: nameOf(site), bmcAddress: bmc?.address, bootMACAddress },
    row.memory,
    elders.map((elder) => ({
      ...elder,
      site: nameOf(viewSite({ ...elder, sites }, elder.labels, 0)),
    })),
  );
}

function nameOf(site: SiteView): string | undefined {
  return site.kind === "site" ? site.name : undefined;
}

/**
 * The inventory in a HardwareData object; undefined if there is none that can be read, or it is that of an earlier host
 * of this name, which is about to go.
 */
export function readHardware(
  object: unknown,
  hostUid: string | undefined,
): HardwareDetails | undefined {
  const { metadata, spec } = hardwareObject.safeParse(object).data ?? {};
  const owner = metadata?.ownerReferences?.find(({ kind }) => kind === "BareMetalHost");
  return owner === undefined || owner.uid === hostUid ? spec?.hardware : undefined;
}

/** What the choice of a site depends on, besides the host's own labels. */
export interface SiteSurroundings extends Pick<HostRows, "namespaceAnnotations" | "sites"> {
  /** The site that the host is at; undefined: none yet. */
  readonly site: string | undefined;
}

/** Which site a host with these labels belongs to, and whether it hears us. */
export function viewSite(
  around: SiteSurroundings,
  labels: Readonly<Record<string, string>> | undefined,
  nowMs: number,
): SiteView {
  const choice = chooseSite({
    labels,
    namespaceAnnotations: around.namespaceAnnotations,
    sites: sitesToChooseFrom(around, labels).map(({ name }) => name),
  });
  if (choice.kind === "none") return choice;
  const lastSeenMs = around.sites.find(({ name }) => name === choice.name)?.lastSeenMs ?? 0;
  const connection = connectionAfter(nowMs - lastSeenMs);
  return { kind: "site", name: choice.name, lastSeenMs, connection };
}

/** A host that came to the only site stays there when a second one is added, until somebody names another. */
function sitesToChooseFrom(
  { site, sites, namespaceAnnotations }: SiteSurroundings,
  labels: Readonly<Record<string, string>> | undefined,
): HostRows["sites"] {
  const isNamed = labels?.[siteKey] !== undefined || namespaceAnnotations[siteKey] !== undefined;
  const present = sites.filter(({ name }) => name === site);
  return isNamed || present.length === 0 ? sites : present;
}

/** Whether the cluster link may be believed to have told what there is. */
export function viewClusterLink(link: HostRows["clusterLink"], nowMs: number): ClusterLinkView {
  const lastSeenMs = link?.lastSeenMs ?? 0;
  if (nowMs - lastSeenMs > leaseTtlMs) return { kind: "away", lastSeenMs };
  return link?.behind === true ? { kind: "behind" } : { kind: "current" };
}

/** How a site is that was not heard for so long. */
export function connectionAfter(silentMs: number): "connected" | "degraded" | "unreachable" {
  if (silentMs < siteDegradedAfterMs) return "connected";
  return silentMs < siteUnreachableAfterMs ? "degraded" : "unreachable";
}
