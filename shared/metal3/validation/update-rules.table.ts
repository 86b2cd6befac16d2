// What may not be changed in a BareMetalHost, whatever its new value: judged by what it was before.
import { quote } from "../../result.ts";
import type { BareMetalHost } from "../bare-metal-host.ts";
import type { UpdateRule } from "./host-rule.ts";

function isDetached(host: BareMetalHost): boolean {
  return host.status?.operationalStatus === "detached";
}

function stateOf(host: BareMetalHost): string {
  return host.status?.provisioning.state ?? "";
}

export const updateRules: readonly UpdateRule[] = [
  {
    id: "bmc-address-change", // W23
    field: "spec.bmc.address",
    check: (after, before) => {
      const old = before.spec.bmc?.address ?? "";
      const isFree =
        isDetached(before) ||
        isDetached(after) ||
        ["", "unmanaged", "registering"].includes(stateOf(before));
      if (old === "" || old === (after.spec.bmc?.address ?? "") || isFree) return undefined;
      return `can not be changed from ${quote(old)} in state ${quote(stateOf(before))}; detach the host first (annotation baremetalhost.metal3.io/detached)`;
    },
    cel: {
      expression:
        "!has(oldObject.spec.bmc) || oldObject.spec.bmc.address == '' || (has(object.spec.bmc) && object.spec.bmc.address == oldObject.spec.bmc.address) || !has(oldObject.status) || oldObject.status.operationalStatus == 'detached' || oldObject.status.provisioning.state in ['', 'unmanaged', 'registering']",
      message: "spec.bmc.address can not be changed; detach the host first",
      value: "oldObject.spec.bmc.address",
    },
  },
  {
    id: "boot-mac-change", // W24
    field: "spec.bootMACAddress",
    check: (after, before) => {
      const old = before.spec.bootMACAddress ?? "";
      const value = after.spec.bootMACAddress ?? "";
      if (old === "" || old.toLowerCase() === value.toLowerCase()) return undefined;
      return `bootMACAddress can not be changed once it is set (from ${quote(old)} to ${quote(value)}); delete the host and create it again`;
    },
    cel: {
      expression:
        "!has(oldObject.spec.bootMACAddress) || oldObject.spec.bootMACAddress == '' || (has(object.spec.bootMACAddress) && object.spec.bootMACAddress.lowerAscii() == oldObject.spec.bootMACAddress.lowerAscii())",
      message:
        "bootMACAddress can not be changed once it is set; delete the host and create it again",
      value: "oldObject.spec.bootMACAddress",
    },
  },
  {
    id: "externally-provisioned-change", // W25
    field: "spec.externallyProvisioned",
    check: (after, before) => {
      const isSet =
        after.spec.externallyProvisioned === true && before.spec.externallyProvisioned !== true;
      const state = stateOf(before);
      if (!isSet || state === "available" || state === "ready") return undefined;
      return `can be set at creation or in state "available", and the host is in state ${quote(state)}`;
    },
    cel: {
      expression:
        "!has(object.spec.externallyProvisioned) || !object.spec.externallyProvisioned || (has(oldObject.spec.externallyProvisioned) && oldObject.spec.externallyProvisioned) || (has(oldObject.status) && oldObject.status.provisioning.state in ['available', 'ready'])",
      message: "spec.externallyProvisioned can be set at creation or in state available only",
    },
  },
  {
    // A merge patch has no resourceVersion: of two consumers that chose one host the later would take it over.
    id: "consumer-taken-over",
    field: "spec.consumerRef",
    check: (after, before) => {
      const old = consumerName(before);
      const value = consumerName(after);
      const { kind } = before.spec.consumerRef ?? {};
      if (old === undefined || value === undefined || old === value) return undefined;
      if (kind !== after.spec.consumerRef?.kind) return undefined;
      return `is ${kind ?? "object"} ${quote(old)}, and ${quote(value)} may not take the host over; remove spec.consumerRef first`;
    },
    cel: {
      expression: `!has(oldObject.spec.consumerRef) || !has(object.spec.consumerRef) || ${nameCel("oldObject")} == '' || ${nameCel("object")} == '' || ${kindCel("oldObject")} != ${kindCel("object")} || (${nameCel("oldObject")} == ${nameCel("object")} && ${namespaceCel("oldObject")} == ${namespaceCel("object")})`,
      message: "spec.consumerRef names another consumer; remove it first",
      value: "oldObject.spec.consumerRef.name",
    },
  },
];

/** Undefined: nobody. */
function consumerName({ spec, metadata }: BareMetalHost): string | undefined {
  const { name = "", namespace = "" } = spec.consumerRef ?? {};
  return name === "" ? undefined : `${namespace === "" ? metadata.namespace : namespace}/${name}`;
}

function fieldCel(of: string, field: string, otherwise: string): string {
  const path = `${of}.spec.consumerRef.${field}`;
  return `(has(${path}) && ${path} != '' ? ${path} : ${otherwise})`;
}

function nameCel(of: string): string {
  return fieldCel(of, "name", "''");
}

function kindCel(of: string): string {
  return fieldCel(of, "kind", "''");
}

function namespaceCel(of: string): string {
  return fieldCel(of, "namespace", `${of}.metadata.namespace`);
}
