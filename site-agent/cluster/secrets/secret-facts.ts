// What there is to tell about the Secrets of one host: found or not, usable or not, and the content sealed to the
// host's site. The control plane never sees a plain one.
import { z } from "zod";
import { fromBase64, toBase64 } from "../../../shared/bytes.ts";
import { chooseSite } from "../../../shared/host/site.ts";
import { siteKey as siteLabel } from "../../../shared/metal3/annotations.ts";
import type { SiteKey } from "../../../shared/protocol/frames.ts";
import { sealingAad, type SealingContext } from "../../../shared/protocol/facts/sealed-secret.ts";
import type { SecretFact } from "../../../shared/protocol/facts/secret-fact.ts";
import type { Crypto } from "../../ports.ts";
import type { FollowedHost } from "../followed-hosts.ts";
import { pinnedKey, type PinQuestion } from "./pins.ts";
import type { KubernetesApi } from "../port.ts";
import type { FreshFact, PostedFacts } from "./posted-facts.ts";
import { secretContent } from "./secret-content.ts";
import type { SecretVersions } from "./secret-versions.ts";
import type { ShownVersion } from "./shown-secrets.ts";

const secretObject = z.looseObject({
  metadata: z.looseObject({ uid: z.string(), resourceVersion: z.string() }),
  data: z.record(z.string(), z.string()).optional(),
});
type SecretObject = z.infer<typeof secretObject>;

export interface FactDeps {
  readonly api: KubernetesApi;
  readonly posted: PostedFacts;
  readonly versions: Pick<SecretVersions, "contentOf" | "forget">;
  readonly crypto: Crypto;
  readonly cluster: string;
  /** The sites as the control plane told them last. */
  sites(): readonly SiteKey[];
}

/** A host and the annotations of its namespace. */
export interface HostInNamespace {
  readonly host: FollowedHost;
  readonly namespaceAnnotations: Readonly<Record<string, string>>;
}

export interface HostFacts {
  readonly fresh: readonly FreshFact[];
  /** False while something is missing, unusable or unknown: worth another look soon. */
  readonly isSettled: boolean;
}

/** @param shown tells the version of a Secret, by "namespace/name", where one is known without asking for it */
export async function factsOf(
  deps: FactDeps,
  place: HostInNamespace,
  shown: (name: string) => ShownVersion | undefined,
): Promise<HostFacts> {
  const fresh: FreshFact[] = [];
  let isSettled = true;
  for (const named of namedFacts(deps, place.host)) {
    const version = shown(`${place.host.namespace}/${named.name}`);
    if (version !== undefined && isPosted(deps, place, named, version)) continue;
    const look = await lookAt(deps, place, named);
    if (look.fresh !== undefined) fresh.push(look.fresh);
    isSettled &&= look.isSettled;
  }
  return { fresh, isSettled };
}

type Named = Pick<SecretFact, "purpose" | "name">;

/** What the host names now, and as empty names what it named before. */
function namedFacts({ posted }: FactDeps, host: FollowedHost): readonly Named[] {
  const dropped = posted
    .purposesOf(host.uid)
    .filter((purpose) => !host.secrets.some((named) => named.purpose === purpose))
    .map((purpose) => ({ purpose, name: "" }));
  return [...host.secrets, ...dropped];
}

interface Look {
  readonly fresh: FreshFact | undefined;
  readonly isSettled: boolean;
}

const unknown: Look = { fresh: undefined, isSettled: false };

async function lookAt(deps: FactDeps, place: HostInNamespace, named: Named): Promise<Look> {
  const { uid: hostUid, namespace } = place.host;
  const fact: SecretFact = { hostUid, ...named, found: false };
  if (named.name === "") return { ...plain(deps, fact), isSettled: true };
  const path = `/api/v1/namespaces/${namespace}/secrets/${encodeURIComponent(named.name)}`;
  const answer = await deps.api.request({ method: "GET", path });
  if (!answer.ok) return unknown;
  const { status, body } = answer.value;
  if (status === 404) return plain(deps, fact);
  if (status === 401 || status === 403) {
    const problem = `Secret "${named.name}" cannot be read (${status}): apply Farrier's RBAC manifests.`;
    return plain(deps, { ...fact, found: true, problem });
  }
  const secret = secretObject.safeParse(body);
  // A server that is starting, or busy, says nothing about the Secret.
  if (status !== 200 || !secret.success) return unknown;
  return await usable(deps, place, fact, secret.data);
}

/** A fact without content. */
function plain({ posted }: FactDeps, fact: SecretFact): Look {
  return { fresh: posted.isNew(fact, []) ? posted.fresh(fact, []) : undefined, isSettled: false };
}

async function usable(
  deps: FactDeps,
  place: HostInNamespace,
  named: SecretFact,
  secret: SecretObject,
): Promise<Look> {
  const { posted, cluster, crypto } = deps;
  const { uid } = secret.metadata;
  const resourceVersion = deps.versions.contentOf(uid, secret.metadata.resourceVersion);
  const fact: SecretFact = { ...named, found: true, uid, resourceVersion };
  const content = secretContent(fact.purpose, fact.name, decoded(secret));
  if (!content.ok) return plain(deps, { ...fact, problem: content.error.message });
  const question = siteOf(deps, place);
  if (question === undefined) return plain(deps, fact);
  const { key } = question;
  const bmcAddress = bmcAddressFor(fact, place);
  const sealedFor = sealedForOf(question, bmcAddress);
  if (!posted.isNew(fact, sealedFor)) return { fresh: undefined, isSettled: true };
  const pinned = await pinnedKey(deps, question);
  if (!pinned.ok) {
    const { kind, message } = pinned.error;
    return kind === "unreachable" ? unknown : plain(deps, { ...fact, problem: message });
  }
  const context: SealingContext = {
    cluster,
    site: key.site,
    hostUid: fact.hostUid,
    purpose: fact.purpose,
    secretUid: uid,
    secretVersion: resourceVersion,
    bmcAddress,
  };
  const { raw, fingerprint } = pinned.value;
  const { enc, ciphertext } = await crypto.seal(raw, content.value, sealingAad(context));
  const sealed = {
    v: 1 as const,
    keyFingerprint: fingerprint,
    enc: toBase64(enc),
    ciphertext: toBase64(ciphertext),
    context,
  };
  return { fresh: posted.fresh({ ...fact, sealed }, sealedFor), isSettled: true };
}

/** Whether this very version was sealed for this host, and the control plane has it. */
function isPosted(
  deps: FactDeps,
  place: HostInNamespace,
  named: Named,
  { uid, resourceVersion: shown }: ShownVersion,
): boolean {
  const question = siteOf(deps, place);
  if (question === undefined) return false;
  const resourceVersion = deps.versions.contentOf(uid, shown);
  const fact = { hostUid: place.host.uid, ...named, found: true, uid, resourceVersion };
  return !deps.posted.isNew(fact, sealedForOf(question, bmcAddressFor(fact, place)));
}

/** What a sealed text depends on, besides its Secret. */
function sealedForOf({ key }: PinQuestion, bmcAddress: string): readonly string[] {
  return [key.site, key.publicKey, bmcAddress];
}

function bmcAddressFor({ purpose }: Named, { host }: HostInNamespace): string {
  return purpose === "bmc" ? host.bmcAddress : "";
}

function decoded({ data = {} }: SecretObject): ReadonlyMap<string, Uint8Array> {
  return new Map(
    Object.entries(data).flatMap(([key, value]) => {
      const bytes = fromBase64(value);
      return bytes === undefined ? [] : [[key, bytes] as const];
    }),
  );
}

function siteOf(
  deps: FactDeps,
  { host, namespaceAnnotations }: HostInNamespace,
): PinQuestion | undefined {
  const sites = deps.sites();
  const { labels } = host;
  const names = sites.map((key) => key.site);
  const chosen = chooseSite({ labels, namespaceAnnotations, sites: names });
  const key = chosen.kind === "site" ? sites.find((each) => each.site === chosen.name) : undefined;
  if (key === undefined) return undefined;
  return { key, isNamed: siteLabel in labels || siteLabel in namespaceAnnotations };
}
