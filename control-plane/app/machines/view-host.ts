// Rows of hosts → the hosts as the machine side sees them. Pure.
import { z } from "zod";
import type { HostView, MachineSnapshot } from "../../../shared/machine/snapshot.ts";
import { bareMetalHostSpec, bareMetalHostStatus } from "../../../shared/metal3/bare-metal-host.ts";
import { objectMeta } from "../../../shared/metal3/object-meta.ts";
import type { MachineHostRow, MachineRows } from "../../ports.ts";
import { connectionAfter } from "../make-snapshot.ts";
import { makeObjectReader, type ObjectReader } from "./read-objects.ts";

const hostObject = z.object({
  metadata: objectMeta.pick({ labels: true, annotations: true, deletionTimestamp: true }),
  spec: bareMetalHostSpec
    .pick({
      automatedCleaningMode: true,
      bmc: true,
      consumerRef: true,
      customDeploy: true,
      disablePowerOff: true,
      externallyProvisioned: true,
      image: true,
      metaData: true,
      networkData: true,
      userData: true,
    })
    .extend({ online: z.boolean().default(false) }),
});

const hostStatus = z.object({
  ...bareMetalHostStatus.pick({ conditions: true, hardware: true }).shape,
  errorMessage: z.string().default(""),
  operationalStatus: z.string().default(""),
  poweredOn: z.boolean().default(false),
  provisioning: z.object({ state: z.string() }).default({ state: "" }),
});

/** Of a host that nothing was decided about yet, as after a lost database: it may run anything. */
const undecided = "unknown";

interface Around {
  readonly sites: MachineRows["sites"];
  readonly nowMs: number;
}

/** Everything depends on the host that it has; one that cannot be read is nobody's choice. */
export function viewHosts(
  rows: MachineRows,
  nowMs: number,
  reader: ObjectReader,
): Pick<MachineSnapshot, "host" | "hosts"> {
  const { hostUid } = rows.machine;
  const around = { sites: rows.sites, nowMs };
  if (hostUid !== undefined) {
    const claimed = rows.hosts.find(({ uid }) => uid === hostUid);
    const host = claimed === undefined ? undefined : viewHost(claimed, around, reader);
    return { host, hosts: [] };
  }
  const hosts = rows.hosts.flatMap((row) => viewHost(row, around, makeObjectReader()) ?? []);
  return { host: undefined, hosts };
}

/** Undefined: it does not fit the schema of its kind. */
function viewHost(
  row: MachineHostRow,
  around: Around,
  { read }: ObjectReader,
): HostView | undefined {
  const kind = `BareMetalHost ${row.name}`;
  const object = read(kind, hostObject, row.object);
  const status = read(`${kind} status`, hostStatus, row.status ?? {});
  if (object === undefined || status === undefined) return undefined;
  const { labels = {}, annotations = {}, deletionTimestamp } = object.metadata;
  return {
    uid: row.uid,
    namespace: row.namespace,
    name: row.name,
    labels,
    annotations,
    deleting: row.deleted || deletionTimestamp !== undefined,
    gone: row.deleted,
    spec: object.spec,
    state: (row.status ?? undefined) === undefined ? undecided : status.provisioning.state,
    errorMessage: status.errorMessage,
    operationalStatus: status.operationalStatus,
    poweredOn: status.poweredOn,
    ...viewOperation(row, status),
    hardware: status.hardware,
    systemUuid: row.systemUuid?.toLowerCase(),
    site: viewSite(row.site, around),
    claimedBy: row.claimedBy,
  };
}

function viewOperation(
  { isOn }: MachineHostRow,
  { conditions = [] }: z.infer<typeof hostStatus>,
): Pick<HostView, "isOff" | "operation"> {
  const told = conditions.find(({ type }) => type === "farrier.dev/Operation");
  return { isOff: isOn === false && told?.status !== "True", operation: told?.message };
}

function viewSite(named: string | undefined, { sites, nowMs }: Around): HostView["site"] {
  const site = sites.find(({ name }) => name === named);
  if (site === undefined) return undefined;
  return { name: site.name, connection: connectionAfter(nowMs - (site.lastSeenMs ?? 0)) };
}
