// As control-plane/store/machines/host-view-sql.ts: what the machine side reads of a host, and no more.
import type { MachineHostRow } from "../../../../control-plane/ports.ts";
import type { StoredHostRow } from "../rows.ts";
import { fieldOf } from "./looked-at.ts";

const metadataFields = ["labels", "annotations", "deletionTimestamp"];
const specFields = [
  "automatedCleaningMode",
  "bmc",
  "consumerRef",
  "customDeploy",
  "disablePowerOff",
  "externallyProvisioned",
  "image",
  "metaData",
  "networkData",
  "online",
  "userData",
];

export function hostView(host: StoredHostRow): MachineHostRow {
  const { uid, namespace, name, object, memory } = host;
  return {
    ...hostBrief(host),
    object: withoutNulls({
      metadata: { name, namespace, uid, ...picked(object.metadata, metadataFields) },
      spec: picked(fieldOf(object, "spec"), specFields),
    }),
    status: memory === null ? undefined : withoutNulls(statusOf(memory.status)),
    systemUuid: memory?.identity?.systemUuid,
    isOn: host.bmc_problem === null ? memory?.power?.on : undefined,
  };
}

/** Of one to choose from. */
export function hostBrief(host: StoredHostRow): MachineHostRow {
  const { uid, namespace, name, deleted, object, memory } = host;
  const { status: _status, ...rest } = object;
  const { managedFields: _fields, ...metadata } = object.metadata;
  return {
    uid,
    namespace,
    name,
    deleted,
    object: withoutNulls({ ...rest, metadata }),
    status: memory === null ? undefined : stateOf(memory.status),
    systemUuid: undefined,
    isOn: undefined,
    site: host.site ?? undefined,
    claimedBy: host.machine_uid ?? undefined,
  };
}

type HostStatus = NonNullable<StoredHostRow["memory"]>["status"];

function stateOf({ provisioning: { state }, errorMessage }: HostStatus): object {
  return { provisioning: { state }, errorMessage };
}

function statusOf(status: HostStatus): object {
  const { operationalStatus, poweredOn, conditions, hardware } = status;
  return {
    ...stateOf(status),
    operationalStatus,
    poweredOn,
    hardware: hardware === undefined ? null : { hostname: hardware.hostname, nics: hardware.nics },
    conditions: conditions?.filter(({ type }) => type === "farrier.dev/Operation"),
  };
}

function picked(value: unknown, names: readonly string[]): object {
  return Object.fromEntries(names.map((name) => [name, fieldOf(value, name)]));
}

/** As jsonb_strip_nulls: fields that are null go, at any depth. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutNulls);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, field]) =>
      field === null || field === undefined ? [] : [[name, withoutNulls(field)]],
    ),
  );
}
