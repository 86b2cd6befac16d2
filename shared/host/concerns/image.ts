// What should be on the disk, what was really written, and whether the two call for work. Upstream compares
// the URL alone; so does this, but what is recorded is what the operation wrote, not what the spec says by then.
import type { BareMetalHostSpec, Image } from "../../metal3/bare-metal-host.ts";
import type { OperationPayload } from "../../protocol/operation.ts";
import type { SealedSecret, SecretPurpose } from "../../protocol/facts/sealed-secret.ts";
import { err, ok, quote, type Result } from "../../result.ts";
import { canonicalJson, isSameJson, sha256Hex } from "../document/canonical-json.ts";
import type { Draft } from "../draft.ts";
import { pinnedHints } from "./hardware.ts";
import { factOf, secretName } from "./secrets.ts";

type Provision = Extract<OperationPayload, { kind: "provision" }>;

/** Failed writes of one image before a person has to look, as upstream's default. */
export const maxProvisioningFailures = 5;

export function wantedImage(spec: BareMetalHostSpec): Image | undefined {
  return spec.image !== undefined && spec.image.url !== "" ? spec.image : undefined;
}

/** Whether what is (or is being) provisioned has been given up: image gone, or another URL. */
export function isGivenUp(draft: Draft): boolean {
  const { spec } = draft.snapshot.host;
  const { image, customDeploy } = draft.memory.status.provisioning;
  if (spec.customDeploy !== undefined) {
    return customDeploy !== undefined && customDeploy.method !== spec.customDeploy.method;
  }
  if (customDeploy !== undefined) return true;
  const wanted = wantedImage(spec);
  const present = image?.url ?? "";
  return wanted === undefined || (present !== "" && present !== wanted.url);
}

/** Failures of another image do not count for this one. */
export function isSameImage(left: Image | undefined, right: Image | undefined): boolean {
  return isSameJson(left, right);
}

/** Hash of everything that shapes the disk; Secrets by identity and version. */
export function allocationOf(uid: string, payload: Provision): string {
  const version = (sealed: SealedSecret | undefined) =>
    sealed === undefined ? undefined : [sealed.context.secretUid, sealed.context.secretVersion];
  const { image, rootDeviceHints, bootMode, userData, networkData, metaData } = payload;
  return sha256Hex(
    canonicalJson({
      uid,
      image,
      rootDeviceHints,
      bootMode,
      userData: version(userData),
      networkData: version(networkData),
      metaData: version(metaData),
    }),
  );
}

/** "pending": a Secret's fact is on its way · "secret": one is missing or not usable · "no-disk": the hints choose none. */
export function provisionPayload(
  draft: Draft,
): Result<Provision, "pending" | "secret" | "no-disk" | "image"> {
  const { spec } = draft.snapshot.host;
  const image = wantedImage(spec);
  if (image === undefined) return err("image", "spec.image is not set");
  const hints = pinnedHints(draft);
  if (!hints.ok) return hints;
  const userData = sealedData(draft, "userData");
  if (!userData.ok) return userData;
  const metaData = sealedData(draft, "metaData");
  if (!metaData.ok) return metaData;
  const hasNetworkData = secretName(spec, "networkData") !== undefined;
  const networkData = sealedData(
    draft,
    hasNetworkData ? "networkData" : "preprovisioningNetworkData",
  );
  if (!networkData.ok) return networkData;
  return ok({
    kind: "provision",
    image,
    bootMode: draft.memory.status.provisioning.bootMode ?? "UEFI",
    ...(hints.value === undefined ? {} : { rootDeviceHints: hints.value }),
    ...(userData.value === undefined ? {} : { userData: userData.value }),
    ...(networkData.value === undefined ? {} : { networkData: networkData.value }),
    ...(metaData.value === undefined ? {} : { metaData: metaData.value }),
  });
}

function sealedData(
  draft: Draft,
  purpose: SecretPurpose,
): Result<SealedSecret | undefined, "pending" | "secret"> {
  const { host, site } = draft.snapshot;
  const name = secretName(host.spec, purpose);
  if (name === undefined) return ok(undefined);
  const fact = factOf(draft, purpose);
  const what = `Secret ${quote(name)} for ${purpose}`;
  if (fact === undefined) return err("pending", `${what} has not been read yet`);
  if (!fact.found) {
    return err(
      "secret",
      `${what} does not exist in namespace ${host.metadata.namespace}; create it`,
    );
  }
  if (fact.problem !== undefined) return err("secret", `${what}: ${fact.problem}`);
  const siteName = site.kind === "site" ? site.name : undefined;
  if (fact.sealed === undefined || fact.sealed.context.site !== siteName) {
    return err("pending", `${what} is not sealed to the site's key yet`);
  }
  return ok(fact.sealed);
}
