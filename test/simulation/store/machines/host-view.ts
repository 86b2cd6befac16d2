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

/** Hardware only of a host that was chosen. */
export function hostView(host: StoredHostRow, isChosen: boolean): MachineHostRow {
  const { uid, namespace, name, deleted, object, memory } = host;
  return {
    uid,
    namespace,
    name,
    deleted,
    object: withoutNulls({
      metadata: { name, namespace, uid, ...picked(object.metadata, metadataFields) },
      spec: picked(fieldOf(object, "spec"), specFields),
    }),
    status: memory === null ? undefined : withoutNulls(statusOf(memory.status, isChosen)),
    systemUuid: memory?.identity?.systemUuid,
    site: host.site ?? undefined,
    claimedBy: host.machine_uid ?? undefined,
  };
}

function statusOf(
  status: NonNullable<StoredHostRow["memory"]>["status"],
  isChosen: boolean,
): object {
  const { errorMessage, operationalStatus, poweredOn, conditions, hardware } = status;
  return {
    provisioning: { state: status.provisioning.state },
    errorMessage,
    operationalStatus,
    poweredOn,
    hardware:
      hardware === undefined || !isChosen
        ? null
        : { hostname: hardware.hostname, nics: hardware.nics },
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
