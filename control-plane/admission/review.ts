// HOP 1 of 8, next: app/record-desired by way of the feed. One AdmissionReview in, one answer out: decode →
// validate → warn. Never the source of truth: what is allowed here may still be rejected, or be a dry run.
import { infrastructureGroup } from "../../shared/capm3/provider.ts";
import { providerKinds } from "../../shared/capm3/validation/provider-kinds.table.ts";
import { ok, type Result } from "../../shared/result.ts";
import { allow, readRequest, type AdmissionAnswer } from "./admission-review.ts";
import { reviewBareMetalHost } from "./review-bare-metal-host.ts";
import { reviewProviderKind } from "./review-provider-kind.ts";
import type { FleetFacts } from "./fleet-facts.ts";

export interface AdmissionDeps {
  /** The cluster whose token was in the path. */
  readonly cluster: string;
  readonly fleet: FleetFacts;
}

/** Kinds, subresources and operations that no rule is about are allowed: a webhook that matches too much. */
export async function reviewAdmission(
  body: unknown,
  deps: AdmissionDeps,
): Promise<Result<AdmissionAnswer, "envelope">> {
  const read = readRequest(body);
  if (!read.ok) return read;
  const request = read.value;
  const isWrite = request.operation === "CREATE" || request.operation === "UPDATE";
  if (!isWrite || (request.subResource ?? "") !== "") return ok(allow(request.uid));
  const { group, resource } = request.resource;
  if (group === "metal3.io" && resource === "baremetalhosts") {
    return ok(await reviewBareMetalHost(request, deps));
  }
  const kind = providerKinds.find(({ plural }) => plural === resource);
  return ok(
    group === infrastructureGroup && kind !== undefined
      ? reviewProviderKind(request, kind)
      : allow(request.uid),
  );
}
