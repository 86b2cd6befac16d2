// Rules about spec.bmc, spec.bootMACAddress and what a BMC's scheme allows (upstream W1, W8–W11, W20).
import { parseMac } from "../../mac.ts";
import { quote } from "../../result.ts";
import { inspectAnnotation } from "../annotations.ts";
import type { BareMetalHost } from "../bare-metal-host.ts";
import { parseBmcAddress } from "../bmc-address.ts";
import type { BmcScheme } from "../bmc-schemes.table.ts";
import type { HostRule } from "./host-rule.ts";

/** For a host without a readable address: nothing, the address has a rule of its own. */
function onScheme(
  check: (scheme: BmcScheme, host: BareMetalHost) => string | undefined,
): HostRule["check"] {
  return (host) => {
    const address = parseBmcAddress(host.spec.bmc?.address ?? "");
    return address.ok ? check(address.value.scheme, host) : undefined;
  };
}

function inspectionDisabled({ spec, metadata }: BareMetalHost): boolean {
  return (
    spec.inspectionMode === "disabled" || metadata.annotations?.[inspectAnnotation] === "disabled"
  );
}

export const bmcRules: readonly HostRule[] = [
  {
    id: "bmc-address", // W1
    field: "spec.bmc.address",
    where: "both",
    check: ({ spec }) => {
      const text = spec.bmc?.address ?? "";
      const address = parseBmcAddress(text);
      return text === "" || address.ok
        ? undefined
        : address.error.message.replace(/^bmc\.address /, "");
    },
    cel: {
      expression: "!has(object.spec.bmc) || !object.spec.bmc.address.matches('^[^/]*//[^/?#]*@')",
      message: "spec.bmc.address must not hold a user or password; put them in the Secret",
    },
  },
  {
    id: "bmc-address-missing",
    field: "spec.bmc.address",
    where: "status",
    check: ({ spec }) =>
      spec.bmc?.address === "" && spec.bmc.credentialsName !== ""
        ? `is empty while spec.bmc.credentialsName is ${quote(spec.bmc.credentialsName)}; set it`
        : undefined,
  },
  {
    id: "bmc-credentials-missing",
    field: "spec.bmc.credentialsName",
    where: "status",
    check: ({ spec }) =>
      spec.bmc?.credentialsName === "" && spec.bmc.address !== ""
        ? "is empty; name a Secret of this namespace with the keys username and password"
        : undefined,
  },
  {
    id: "bmc-raid", // W8
    field: "spec.raid.hardwareRAIDVolumes",
    where: "both",
    check: onScheme((scheme, { spec }) =>
      !scheme.raid && (spec.raid?.hardwareRAIDVolumes ?? []).length > 0
        ? `needs a BMC that can set RAID up, and ${scheme.name} cannot; remove the volumes, or use a redfish address`
        : undefined,
    ),
  },
  {
    id: "boot-mac-missing", // W9
    field: "spec.bootMACAddress",
    where: "both",
    check: onScheme((scheme, host) => {
      if ((host.spec.bootMACAddress ?? "") !== "") return undefined;
      if (scheme.alwaysNeedsBootMac) return `is required with a ${scheme.name} address; set it`;
      return inspectionDisabled(host)
        ? "is required when inspection is disabled, for nothing else tells which machine it is; set it"
        : undefined;
    }),
    cel: {
      expression:
        "!has(object.spec.bmc) || object.spec.bmc.address == '' || (has(object.spec.bootMACAddress) && object.spec.bootMACAddress != '') || (!object.spec.bmc.address.startsWith('libvirt') && !(has(object.spec.inspectionMode) && object.spec.inspectionMode == 'disabled'))",
      message: "spec.bootMACAddress is required with a libvirt address or inspectionMode disabled",
    },
  },
  {
    id: "boot-mac", // W10
    field: "spec.bootMACAddress",
    where: "both",
    check: ({ spec }) => {
      const text = spec.bootMACAddress ?? "";
      const mac = parseMac(text);
      return text === "" || mac.ok ? undefined : mac.error.message;
    },
    cel: {
      expression:
        "!has(object.spec.bootMACAddress) || object.spec.bootMACAddress == '' || object.spec.bootMACAddress.matches('^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$')",
      message: "spec.bootMACAddress must be six bytes in hex with colons",
      value: "object.spec.bootMACAddress",
    },
  },
  {
    id: "secure-boot", // W11
    field: "spec.bootMode",
    where: "both",
    check: onScheme((scheme, { spec }) =>
      spec.bootMode === "UEFISecureBoot" && !scheme.secureBoot
        ? `UEFISecureBoot needs a BMC that can turn secure boot on, and ${scheme.name} cannot; use UEFI, or a redfish address`
        : undefined,
    ),
  },
  {
    id: "fast-inspection", // W20
    field: "spec.inspectionMode",
    where: "both",
    check: onScheme((scheme, { spec }) =>
      spec.inspectionMode === "fast" && !scheme.fastInspection
        ? `"fast" asks the BMC for the hardware, and ${scheme.name} cannot tell it; use "agent"`
        : undefined,
    ),
  },
];
