// One line for people about each thing that passes: deliveries, observations, feed events, what happens at the site.
// Bytes, keys and tokens are left out.
import type { FeedBatch } from "../../shared/protocol/feed.ts";
import type { Delivery } from "../../shared/protocol/frames.ts";
import type { Observation } from "../../shared/protocol/observation.ts";
import type { OperationResult } from "../../shared/protocol/operation.ts";
import type { SecretFact } from "../../shared/protocol/facts/secret-fact.ts";
import type { WriteBack } from "../../shared/protocol/write-back.ts";
import type { KubernetesRequest } from "../../site-agent/cluster/port.ts";
import type { LogFields } from "../../site-agent/ports.ts";
import type { MachineEventKind } from "../support/simulated-machine.ts";

export function describeDelivery(delivery: Delivery): string {
  switch (delivery.kind) {
    case "document": {
      const { hostUid, revision, spec } = delivery.document;
      const known = spec.identity === undefined ? "" : ", with the machine's identity and disks";
      const secret = spec.credentials === undefined ? "no credentials yet" : "sealed credentials";
      return `document of ${hostUid}, revision ${revision}: ${secret}${known}`;
    }
    case "remove-document":
      return `removal of ${delivery.hostUid}'s document`;
    case "operation": {
      const { id, attempt, class: kind, validForMs, payload } = delivery.operation;
      const details = `${kind}, attempt ${attempt}, valid ${validForMs / 1000} s`;
      return `operation ${id}: ${payload.kind} (${details})`;
    }
    case "cancel":
      return `cancellation of ${delivery.operationId}`;
    case "write":
      return describeWrite(delivery.write);
  }
}

function describeWrite(write: WriteBack): string {
  if (isMachineWrite(write)) return describeMachineWrite(write);
  switch (write.kind) {
    case "status":
      return `write status: ${write.status.provisioning.state}, ${write.status.operationalStatus}`;
    case "event":
      return `write Event ${write.reason}: ${write.message}`;
    case "metadata":
      return `write metadata: finalizer ${(write.addFinalizers ?? []).join(", ")}`;
    case "architecture":
      return `write spec.architecture: ${write.architecture}`;
    case "hardware-data":
      return `write HardwareData ${write.name}`;
    case "release-hardware-data":
      return `release HardwareData ${write.name}`;
    case "claim-secret":
      return `label Secret ${write.secretName}, so that its changes are seen`;
    case "release-secret":
      return `release Secret ${write.secretName}`;
  }
}

const nodeWrites = [
  "delete-machine",
  "leave-node",
  "link-node",
  "remove-node",
  "replace-node",
] as const;
type NodeWrite = Extract<WriteBack, { readonly kind: (typeof nodeWrites)[number] }>;

const machineWrites = [
  ...nodeWrites,
  "host-patch",
  "label-secret",
  "machine-set",
  "provider-patch",
  "provider-status",
] as const;
type MachineWrite = Extract<WriteBack, { readonly kind: (typeof machineWrites)[number] }>;

function isMachineWrite(write: WriteBack): write is MachineWrite {
  return machineWrites.some((kind) => kind === write.kind);
}

function describeMachineWrite(write: MachineWrite): string {
  if (isNodeWrite(write)) return describeNodeWrite(write);
  switch (write.kind) {
    case "label-secret":
      return `label Secret ${write.secretName}`;
    case "host-patch":
      return `write what ${write.consumer.kind ?? ""} ${write.consumer.name ?? ""} wants of ${write.name}`;
    case "provider-patch":
      return `write metadata and spec of ${write.resource} ${write.name}`;
    case "provider-status":
      return `write status of ${write.resource} ${write.name}`;
    case "machine-set":
      return `make ${write.make.join(", ")}, delete ${write.remove.map(({ name }) => name).join(", ")}`;
  }
}

function isNodeWrite(write: WriteBack): write is NodeWrite {
  return nodeWrites.some((kind) => kind === write.kind);
}

function describeNodeWrite(write: NodeWrite): string {
  switch (write.kind) {
    case "leave-node":
      return `${write.act} Node ${write.nodeName}`;
    case "replace-node":
      return `delete Node ${write.nodeName}, whose host is held off`;
    case "delete-machine":
      return `delete Machine ${write.name}, which did not come back`;
    case "remove-node":
      return `delete the Node of ${write.providerID}, if it was not linked`;
    case "link-node":
      return `look for the Node of ${write.providerID}`;
  }
}

export function describeBatch(batch: FeedBatch): string {
  const objects = batch.kind === "list" ? batch.items : batch.events.map(({ object }) => object);
  const types = batch.kind === "list" ? ["listed"] : batch.events.map(({ type }) => type);
  const versions = objects.map(({ metadata }) => metadata.resourceVersion).join(", ");
  const names = objects.map(({ metadata: { name, namespace } }) => `${namespace ?? ""}/${name}`);
  return `${[...new Set(types)].join(", ")} ${[...new Set(names)].join(", ")}, resourceVersion ${versions}`;
}

export function describeFact({ name, purpose, found, sealed, problem }: SecretFact): string {
  if (!found) return `Secret ${name} (${purpose}) is not there`;
  if (problem !== undefined) return `Secret ${name} (${purpose}): ${problem}`;
  if (sealed === undefined) return `Secret ${name} (${purpose}) is there`;
  const { site, bmcAddress } = sealed.context;
  const bound = bmcAddress === "" ? "" : `, for ${bmcAddress} only`;
  return `Secret ${name} (${purpose}) sealed to the key of site ${site}${bound}`;
}

export function describeObservation({ body }: Observation): string {
  switch (body.kind) {
    case "operation-accepted":
      return "accepted";
    case "operation-started":
      return "started";
    case "operation-progress":
      return body.progress.step;
    case "operation-succeeded":
      return `succeeded (${describeResult(body.result)})`;
    case "operation-failed":
      return `failed: ${body.failure.kind}: ${body.failure.message}`;
    case "power":
      return `power ${body.on ? "on" : "off"}`;
    case "bmc":
      return body.problem ?? "the BMC answers again";
    case "stranger":
      return `stranger ${body.mac}`;
  }
}

function describeResult(result: OperationResult): string {
  switch (result.kind) {
    case "register":
      return `${result.protocol}, firmware ${result.firmware}, power ${result.on ? "on" : "off"}`;
    case "inspect": {
      const disks = result.disks.map(({ serialNumber }) => serialNumber).join(", ");
      return `machine ${result.identity.serialNumber ?? ""}, disks ${disks}`;
    }
    case "clean":
      return result.disks.map(({ disk, method }) => `${disk.serialNumber}: ${method}`).join(", ");
    case "provision":
      return `${result.writtenBytes} bytes on disk ${result.disk.serialNumber ?? ""}, ${result.bootEntry}`;
    case "power":
      return `power ${result.on ? "on" : "off"}`;
    case "recall":
      return result.isKnown ? "the journal tells how the last write ended" : "nothing is known";
  }
}

export function describeRequest({ method, path }: KubernetesRequest): string {
  return `${method} ${path.replace(/\?.*$/, "").replace(/^\/apis?\/(?:[^/]+\/)?v1[^/]*\//, "")}`;
}

/** Log lines of the site that tell the story; others are left out. */
const told: Readonly<Record<string, (fields: LogFields) => string>> = {
  "BMC login": ({ bmc, suite }) => `logs in to the BMC ${text(bmc)}, cipher suite ${text(suite)}`,
  "network boot allowed": ({ mac }) => `answers ${text(mac)} on the boot network from now on`,
  "network boot withdrawn": ({ mac }) => `answers ${text(mac)} no longer`,
  "ramdisk connected": () => "has the ramdisk on the line",
  "image ready": ({ format, virtualBytes }) =>
    `has fetched and verified the image: ${text(format)}, ${text(virtualBytes)} bytes`,
  "ramdisk started": () => "runs: dials the agent with its boot token",
  "step begins": ({ step }) => `begins: ${text(step)}`,
  "step ended": ({ step, ok }) => `ended: ${text(step)}, ${ok === true ? "well" : "badly"}`,
  "disk chosen": ({ disk }) => `chose ${text(disk)}`,
};

const machineWords: Readonly<Record<MachineEventKind, string>> = {
  "power-on": "power on",
  "power-off": "power off",
  reset: "reset",
  "boot-device": "boot device:",
  "boot-failed": "does not boot:",
  "network-boot": "boots from the network:",
  ramdisk: "kernel and ramdisk run",
  "operating-system": "runs the operating system",
  "nothing-to-boot": "has nothing to boot",
};

/** Undefined for what is no part of the story. */
export function describeSite(who: string, what: string, fields: LogFields): string | undefined {
  if (who === "machine") {
    const words = machineWords[what as MachineEventKind];
    return `machine  ${words} ${text(fields["detail"])}`.trim();
  }
  const line = told[what]?.(fields);
  return line === undefined ? undefined : `${who.padEnd(8)} ${line}`;
}

function text(value: LogFields[string]): string {
  if (value === undefined) throw new Error("a log line of the site lacks a field");
  return String(value);
}
