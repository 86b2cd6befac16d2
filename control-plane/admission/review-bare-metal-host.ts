// Admission of a BareMetalHost: the rule table, what the fleet knows, and a plan of what the change will erase.
// Objects being deleted are never refused; nor is what was there already before the change.
import { buildClaims } from "../../shared/host/document/build-document.ts";
import { claimConflictText } from "../../shared/host/document/claim-conflict.ts";
import { pausedAnnotation, statusAnnotation } from "../../shared/metal3/annotations.ts";
import { bareMetalHost, type BareMetalHost } from "../../shared/metal3/bare-metal-host.ts";
import {
  findUpdateViolations,
  findViolations,
} from "../../shared/metal3/validate-bare-metal-host.ts";
import { issuesText } from "../../shared/issues-text.ts";
import { err, ok, quote, type Result } from "../../shared/result.ts";
import { allow, deny, type AdmissionAnswer, type AdmissionRequest } from "./admission-review.ts";
import { planWarnings } from "./plan-warnings.ts";
import type { FleetView } from "./fleet-facts.ts";
import { isBeingDeleted, withMetadata } from "./read-object.ts";
import type { AdmissionDeps } from "./review.ts";

const maxWarnings = 16;

export async function reviewBareMetalHost(
  request: AdmissionRequest,
  { cluster, fleet }: AdmissionDeps,
): Promise<AdmissionAnswer> {
  const after = readHost(request.object, request);
  const before = request.operation === "UPDATE" ? readHost(request.oldObject, request) : undefined;
  if (isBeingDeleted(request.object)) return allow(request.uid);
  if (!after.ok) return deny(request.uid, [after.error.message]);
  const host = after.value;
  const old = before?.ok === true ? before.value : undefined;
  const rules = judge(host, old);
  const { namespace, name, uid } = host.metadata;
  const view = await fleet.lookUp({
    cluster,
    namespace,
    name,
    uid: uid === "" ? undefined : uid,
    labels: host.metadata.labels ?? {},
    claims: buildClaims(host),
  });
  const claims = view === undefined ? none : judgeClaims(host, old, view, cluster);
  const problems = [...rules.problems, ...claims.problems];
  const warnings = [
    ...rules.warnings,
    ...claims.warnings,
    ...(view === undefined
      ? ["fleet checks were skipped: the database did not answer in time"]
      : []),
    ...(view === undefined ? [] : factWarnings(host, view)),
    ...planWarnings(host, old, view),
  ].slice(0, maxWarnings);
  return problems.length > 0 ? deny(request.uid, problems, warnings) : allow(request.uid, warnings);
}

interface Judgement {
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
}
const none: Judgement = { problems: [], warnings: [] };

function readHost(object: unknown, request: AdmissionRequest): Result<BareMetalHost, "form"> {
  const parsed = bareMetalHost.safeParse(withMetadata(object, request));
  return parsed.success ? ok(parsed.data) : err("form", issuesText(parsed.error));
}

/** A problem that the old object has too is told, not refused: labels must stay editable. */
function judge(host: BareMetalHost, old: BareMetalHost | undefined): Judgement {
  const known = new Set(old === undefined ? [] : findViolations(old).map(({ message }) => message));
  const found = findViolations(host).map(({ message }) => message);
  const changes = old === undefined ? [] : findUpdateViolations(host, old);
  return {
    problems: [
      ...found.filter((message) => !known.has(message)),
      ...changes.map(({ message }) => message),
    ],
    warnings: found.filter((message) => known.has(message)),
  };
}

/**
 * The same BMC or MAC as another host: refused within one namespace, told without a name across namespaces. A
 * host that is paused or carries its status is being moved: its twin is expected.
 */
function judgeClaims(
  host: BareMetalHost,
  old: BareMetalHost | undefined,
  view: FleetView,
  cluster: string,
): Judgement {
  const { annotations = {}, namespace } = host.metadata;
  if (annotations[pausedAnnotation] !== undefined || annotations[statusAnnotation] !== undefined) {
    return none;
  }
  const held = new Set((old === undefined ? [] : buildClaims(old)).map(({ value }) => value));
  const problems: string[] = [];
  const warnings: string[] = [];
  for (const { claim, ...other } of view.claimants) {
    const isNear = other.cluster === cluster && other.namespace === namespace;
    const message = claimConflictText(claim, isNear ? other.name : undefined);
    // Elsewhere, or known for long: the host waits until the other one lets go.
    if (isNear && !held.has(claim.value)) problems.push(message);
    else warnings.push(message);
  }
  return { problems, warnings };
}

function factWarnings(host: BareMetalHost, { site, secrets }: FleetView): readonly string[] {
  const warnings: string[] = [];
  if ((host.spec.bmc?.address ?? "") === "") return warnings;
  if (site.kind === "none") warnings.push(`the host will wait: ${site.reason}`);
  if (site.kind === "site" && site.connection !== "connected") {
    warnings.push(
      `site ${site.name} is ${site.connection}: the host will wait until it is heard again`,
    );
  }
  for (const { name, found, purpose, problem } of secrets) {
    if (name === "") continue;
    if (!found)
      warnings.push(
        `Secret ${quote(name)} for ${purpose} does not exist; the host will wait for it`,
      );
    else if (problem !== undefined)
      warnings.push(`Secret ${quote(name)} for ${purpose}: ${problem}`);
  }
  return warnings;
}
