// Tells the control plane about the Secrets that hosts name: found or not, usable or not, and their content
// sealed to the host's site. The control plane never sees a plain one. Level-triggered: a fact is posted when
// it differs from the one posted last.
import { z } from "zod";
import { fromBase64, toBase64, toHex } from "../../shared/bytes.ts";
import { chooseSite } from "../../shared/host/site.ts";
import type { SiteKey } from "../../shared/protocol/frames.ts";
import {
  sealingAad,
  type SealedSecret,
  type SealingContext,
} from "../../shared/protocol/sealed-secret.ts";
import type { SecretFact } from "../../shared/protocol/secret-fact.ts";
import { ok, type Result } from "../../shared/result.ts";
import type { AgentDatabase, Clock, Crypto, Log } from "../ports.ts";
import type { FollowedHost, FollowedHosts } from "./followed-hosts.ts";
import type { Hub } from "./hub.ts";
import { pinnedKey } from "./pins.ts";
import type { KubernetesApi } from "./port.ts";
import { secretContent } from "./secret-content.ts";

const recheckMs = 5_000;
const labelled = "environment.metal3.io%3Dbaremetal";

const secretObject = z.looseObject({
  metadata: z.looseObject({ uid: z.string(), resourceVersion: z.string() }),
  data: z.record(z.string(), z.string()).optional(),
});

export interface SecretsDeps {
  readonly api: KubernetesApi;
  readonly hub: Hub;
  readonly hosts: FollowedHosts;
  readonly database: AgentDatabase;
  readonly crypto: Crypto;
  readonly clock: Clock;
  readonly log: Log;
  readonly cluster: string;
  /** The sites as the control plane told them last. */
  sites(): readonly SiteKey[];
}

export function prepareSecretsTable(database: AgentDatabase): void {
  database.execute(
    "CREATE TABLE IF NOT EXISTS posted_facts (host_uid TEXT, purpose TEXT, digest TEXT NOT NULL, PRIMARY KEY (host_uid, purpose)) STRICT",
  );
}

/** Forgets what was posted: the control plane has lost it, or asks for everything. */
export function forgetPosted(database: AgentDatabase): void {
  database.run("DELETE FROM posted_facts");
}

/** Runs until the signal aborts: on every host change, on every change of a labelled Secret, and every 5 s. */
export async function followSecrets(deps: SecretsDeps, signal: AbortSignal): Promise<void> {
  let wake = new AbortController();
  const again = () => wake.abort();
  deps.hosts.onChange(again);
  signal.addEventListener("abort", again, { once: true });
  void watchLabelled(deps, again, signal);
  while (!signal.aborted) {
    wake = new AbortController();
    await postFacts(deps);
    await deps.clock.sleep(recheckMs, wake.signal);
  }
}

async function watchLabelled(
  deps: SecretsDeps,
  changed: () => void,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const path = `/api/v1/secrets?labelSelector=${labelled}&timeoutSeconds=300`;
    await deps.api.watch(path, changed, signal);
    await deps.clock.sleep(1_000, signal);
  }
}

async function postFacts(deps: SecretsDeps): Promise<void> {
  const facts: SecretFact[] = [];
  for (const host of deps.hosts.all()) {
    for (const named of namedFacts(deps, host)) {
      const fact = await secretFactOf(deps, host, named);
      if (fact !== undefined) facts.push(fact);
    }
  }
  for (let at = 0; at < facts.length; at += 100) {
    const slice = facts.slice(at, at + 100);
    const posted = await deps.hub.postSecrets({ facts: slice });
    if (!posted.ok) {
      deps.log.warn("secret facts not posted", { reason: posted.error.message });
      return;
    }
    for (const fact of slice) remember(deps, fact);
  }
}

interface Named {
  readonly purpose: SecretFact["purpose"];
  readonly name: string;
}

/** What the host names now, and as empty names what it named before. */
function namedFacts({ database }: SecretsDeps, host: FollowedHost): readonly Named[] {
  const before = database.all("SELECT purpose FROM posted_facts WHERE host_uid = ?", host.uid);
  const dropped = before
    .map((row) => String(row["purpose"]) as Named["purpose"])
    .filter((purpose) => !host.secrets.some((named) => named.purpose === purpose))
    .map((purpose) => ({ purpose, name: "" }));
  return [...host.secrets, ...dropped];
}

/** Undefined: nothing new, or not known at the moment. */
async function secretFactOf(
  deps: SecretsDeps,
  host: FollowedHost,
  named: Named,
): Promise<SecretFact | undefined> {
  const fact: SecretFact = { hostUid: host.uid, ...named, found: false };
  if (named.name === "") return isNew(deps, fact) ? fact : undefined;
  const path = `/api/v1/namespaces/${host.namespace}/secrets/${encodeURIComponent(named.name)}`;
  const answer = await deps.api.request({ method: "GET", path });
  if (!answer.ok) return undefined;
  if (answer.value.status === 404) return isNew(deps, fact) ? fact : undefined;
  if (answer.value.status !== 200) {
    const denied = {
      ...fact,
      problem: `Secret "${named.name}" cannot be read (${answer.value.status}): apply Farrier's RBAC manifests.`,
    };
    return isNew(deps, denied) ? denied : undefined;
  }
  return await usableFact(deps, host, fact, secretObject.parse(answer.value.body));
}

async function usableFact(
  deps: SecretsDeps,
  host: FollowedHost,
  bare: SecretFact,
  secret: z.infer<typeof secretObject>,
): Promise<SecretFact | undefined> {
  const { uid, resourceVersion } = secret.metadata;
  const fact = { ...bare, found: true, uid, resourceVersion };
  const data = new Map(
    Object.entries(secret.data ?? {}).flatMap(([key, value]) => {
      const bytes = fromBase64(value);
      return bytes === undefined ? [] : [[key, bytes] as const];
    }),
  );
  const content = secretContent(fact.purpose, fact.name, data);
  if (!content.ok) {
    const unusable = { ...fact, problem: content.error.message };
    return isNew(deps, unusable) ? unusable : undefined;
  }
  const key = siteKeyOf(deps, host);
  if (!isNew(deps, fact, key?.fingerprint)) return undefined;
  if (key === undefined) return fact;
  const context: SealingContext = {
    cluster: deps.cluster,
    site: key.site,
    hostUid: host.uid,
    purpose: fact.purpose,
    secretUid: uid,
    secretVersion: resourceVersion,
    bmcAddress: fact.purpose === "bmc" ? host.bmcAddress : "",
  };
  const sealed = await sealTo(deps, key, content.value, context);
  if (sealed.ok) return { ...fact, sealed: sealed.value };
  const refused = { ...fact, problem: sealed.error.message };
  return isNew(deps, refused) ? refused : undefined;
}

function siteKeyOf(deps: SecretsDeps, host: FollowedHost): SiteKey | undefined {
  const sites = deps.sites();
  const chosen = chooseSite({
    labels: host.labels,
    namespaceAnnotations: deps.hosts.namespaceAnnotations(host.namespace),
    sites: sites.map((key) => key.site),
  });
  return chosen.kind === "site" ? sites.find((key) => key.site === chosen.name) : undefined;
}

async function sealTo(
  deps: SecretsDeps,
  key: SiteKey,
  plain: Uint8Array,
  context: SealingContext,
): Promise<Result<SealedSecret, "pin" | "unreachable">> {
  const raw = await pinnedKey(deps, key);
  if (!raw.ok) return raw;
  const { enc, ciphertext } = await deps.crypto.seal(raw.value, plain, sealingAad(context));
  return ok({
    v: 1,
    keyFingerprint: key.fingerprint,
    enc: toBase64(enc),
    ciphertext: toBase64(ciphertext),
    context,
  });
}

/** The fact without what differs at every sealing. */
function digestOf(deps: SecretsDeps, fact: SecretFact, keyFingerprint: string | undefined): string {
  const host = deps.hosts.all().find((each) => each.uid === fact.hostUid);
  const { sealed: _sealed, ...rest } = fact;
  const hash = deps.crypto.hash("sha256");
  hash.update(
    new TextEncoder().encode(JSON.stringify([rest, keyFingerprint ?? "", host?.bmcAddress ?? ""])),
  );
  return toHex(hash.digest());
}

function isNew(deps: SecretsDeps, fact: SecretFact, keyFingerprint?: string): boolean {
  const [row] = deps.database.all(
    "SELECT digest FROM posted_facts WHERE host_uid = ? AND purpose = ?",
    fact.hostUid,
    fact.purpose,
  );
  return row?.["digest"] !== digestOf(deps, fact, keyFingerprint);
}

function remember(deps: SecretsDeps, fact: SecretFact): void {
  deps.database.run(
    "INSERT INTO posted_facts (host_uid, purpose, digest) VALUES (?, ?, ?) ON CONFLICT (host_uid, purpose) DO UPDATE SET digest = excluded.digest",
    fact.hostUid,
    fact.purpose,
    digestOf(deps, fact, fact.sealed?.keyFingerprint),
  );
}
