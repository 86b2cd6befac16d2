// What the machine side reads of a host `v`, and no more.
import { sql, type SQL } from "drizzle-orm";
import { z } from "zod";
import type { MachineHostRow } from "../../ports.ts";

/** Each column of JSON is read once (jsonb_to_record): it lies compressed, and in pieces. */
export function hostViewSql(table: "hosts" | "claimed"): SQL {
  return sql.raw(`
    SELECT v.name, v.uid, json_strip_nulls(json_build_object(
        'uid', v.uid, 'namespace', v.namespace, 'name', v.name, 'deleted', v.deleted,
        'site', v.site, 'claimedBy', v.machine_uid,
        'systemUuid', memory.identity->'systemUuid',
        'isOn', CASE WHEN v.bmc_problem IS NULL THEN memory.power->'on' END,
        'object', json_build_object(
          'metadata', json_build_object('name', v.name, 'namespace', v.namespace, 'uid', v.uid,
            'labels', metadata.labels, 'annotations', metadata.annotations,
            'deletionTimestamp', metadata."deletionTimestamp"),
          'spec', json_build_object(
            'automatedCleaningMode', spec."automatedCleaningMode", 'bmc', spec.bmc,
            'consumerRef', spec."consumerRef", 'customDeploy', spec."customDeploy",
            'disablePowerOff', spec."disablePowerOff",
            'externallyProvisioned', spec."externallyProvisioned", 'image', spec.image,
            'metaData', spec."metaData", 'networkData', spec."networkData",
            'online', spec.online, 'userData', spec."userData")),
        'status', CASE WHEN v.memory IS NOT NULL THEN json_build_object(
          'provisioning', json_build_object('state', status.provisioning->'state'),
          'errorMessage', status."errorMessage",
          'operationalStatus', status."operationalStatus", 'poweredOn', status."poweredOn",
          'hardware', CASE WHEN status.hardware IS NOT NULL THEN json_build_object(
            'hostname', status.hardware->'hostname', 'nics', status.hardware->'nics') END,
          'conditions', jsonb_path_query_array(status.conditions,
            '$[*] ? (@.type == "farrier.dev/Operation")')) END)) AS host
    FROM ${table} v,
      jsonb_to_record(v.object) AS object(metadata jsonb, spec jsonb),
      jsonb_to_record(object.metadata) AS metadata(
        labels jsonb, annotations jsonb, "deletionTimestamp" jsonb),
      jsonb_to_record(object.spec) AS spec(
        "automatedCleaningMode" jsonb, bmc jsonb, "consumerRef" jsonb, "customDeploy" jsonb,
        "disablePowerOff" jsonb, "externallyProvisioned" jsonb, image jsonb, "metaData" jsonb,
        "networkData" jsonb, online jsonb, "userData" jsonb),
      jsonb_to_record(v.memory) AS memory(status jsonb, identity jsonb, power jsonb),
      jsonb_to_record(memory.status) AS status(
        provisioning jsonb, "errorMessage" jsonb, "operationalStatus" jsonb, "poweredOn" jsonb,
        hardware jsonb, conditions jsonb)`);
}

/** Of one to choose from: a namespace may have hundreds. */
export const hostBriefSql: SQL = sql.raw(`
    SELECT v.name, v.uid, json_build_object(
        'uid', v.uid, 'namespace', v.namespace, 'name', v.name, 'deleted', v.deleted,
        'site', v.site, 'claimedBy', v.machine_uid, 'object', v.brief,
        'status', CASE WHEN v.provisioning_state IS NOT NULL THEN json_build_object(
          'provisioning', json_build_object('state', v.provisioning_state),
          'errorMessage', v.error_message) END) AS host
    FROM hosts v`);

export const hostViewSchema = z
  .object({
    uid: z.string(),
    namespace: z.string(),
    name: z.string(),
    deleted: z.boolean(),
    object: z.unknown(),
    status: z.unknown().optional(),
    systemUuid: z.string().optional(),
    isOn: z.boolean().optional(),
    site: z.string().nullish(),
    claimedBy: z.string().nullish(),
  })
  .transform(({ status, systemUuid, isOn, site, claimedBy, ...host }): MachineHostRow => ({
    ...host,
    status: status ?? undefined,
    systemUuid,
    isOn,
    site: site ?? undefined,
    claimedBy: claimedBy ?? undefined,
  }));
