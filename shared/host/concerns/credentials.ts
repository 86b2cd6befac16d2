// The BMC's credentials: whether they are there, usable and the ones that logged in last. Knows versions and
// sealed text only, never the content.
import type { ErrorType } from "../../metal3/bare-metal-host.ts";
import type { SealedSecret } from "../../protocol/facts/sealed-secret.ts";
import { quote } from "../../result.ts";
import { because, stateOf, wait, type Draft, type Stop } from "../draft.ts";
import { reject } from "../status/errors.ts";
import { factOf, settlesUntilMs } from "./secrets.ts";

/** The newest credentials that the host's site can open; they outlive their Secret. */
export function sealedCredentials(draft: Draft): SealedSecret | undefined {
  const { host, site } = draft.snapshot;
  const newest = factOf(draft, "bmc")?.sealed ?? draft.memory.credentials;
  if (newest === undefined || site.kind === "none") return undefined;
  const { context } = newest;
  const fits =
    context.site === site.name &&
    context.hostUid === host.metadata.uid &&
    context.bmcAddress === host.spec.bmc?.address;
  return fits ? newest : undefined;
}

/** Undefined: usable. Otherwise an error or a wait, by what is missing. */
export function credentialsProblem(draft: Draft): Stop | undefined {
  const { host } = draft.snapshot;
  const name = host.spec.bmc?.credentialsName ?? "";
  const fact = factOf(draft, "bmc");
  if (name === "" || (host.spec.bmc?.address ?? "") === "") {
    const message = "spec.bmc.address and spec.bmc.credentialsName are both needed; set them";
    return reject(draft, registrationErrorType(draft), because("RegistrationError", message), [
      "spec",
    ]);
  }
  const what = `Secret ${quote(name)} of spec.bmc.credentialsName`;
  if (fact === undefined) {
    return wait(because("WaitingForSecret", `waits for the cluster link to read ${what}`), [
      "secret",
    ]);
  }
  const type = registrationErrorType(draft);
  if (!fact.found) {
    const message = `${what} does not exist in namespace ${host.metadata.namespace}; create it with the keys username and password`;
    return reject(draft, type, because("BMCCredentialError", message), ["secret", "spec"]);
  }
  if (fact.problem !== undefined) {
    const why = because("BMCCredentialError", `${what}: ${fact.problem}`);
    return reject(draft, type, why, ["secret", "spec"]);
  }
  const settlesAtMs = settlesUntilMs(draft, "bmc");
  if (settlesAtMs !== undefined) {
    const why = because("ClaimingSecret", `waits for Kubernetes to show the label on ${what}`);
    return wait(why, ["secret"], settlesAtMs);
  }
  if (sealedCredentials(draft) !== undefined) return undefined;
  return wait(because("SealingSecret", `waits for ${what} to be sealed to the site's key`), [
    "secret",
  ]);
}

/** Upstream has an error type of its own for hosts in use. */
export function registrationErrorType(draft: Draft): ErrorType {
  const state = stateOf(draft);
  return state === "provisioned" || state === "externally provisioned"
    ? "provisioned registration error"
    : "registration error";
}
