// What the cluster link remembers of each host, on disk: which Secrets it names and where they are sealed to.
// Nothing of a Secret's content is kept.
import { z } from "zod";
import type { FeedObject, FeedResource } from "../../shared/protocol/feed.ts";
import { secretPurpose, type SecretPurpose } from "../../shared/protocol/sealed-secret.ts";
import type { AgentDatabase } from "../ports.ts";
import { readSetting, writeSetting } from "../link/database.ts";
import type { ObjectMemory } from "./watch.ts";

const followedHost = z.object({
  uid: z.string(),
  namespace: z.string(),
  name: z.string(),
  labels: z.record(z.string(), z.string()),
  bmcAddress: z.string(),
  deleting: z.boolean(),
  secrets: z.array(z.object({ purpose: secretPurpose, name: z.string() })),
});
export type FollowedHost = z.infer<typeof followedHost>;

const reference = z.object({ name: z.string().optional(), namespace: z.string().optional() });
const hostObject = z.object({
  metadata: z.object({
    uid: z.string(),
    namespace: z.string(),
    name: z.string(),
    labels: z.record(z.string(), z.string()).optional(),
    deletionTimestamp: z.string().optional(),
  }),
  spec: z.object({
    bmc: z.object({ address: z.string(), credentialsName: z.string() }).optional(),
    userData: reference.optional(),
    networkData: reference.optional(),
    metaData: reference.optional(),
    preprovisioningNetworkDataName: z.string().optional(),
  }),
});

export interface FollowedHosts extends ObjectMemory {
  all(): readonly FollowedHost[];
  namespaceAnnotations(namespace: string): Readonly<Record<string, string>>;
  /** Told after every change: hosts or namespaces that may need their secrets looked at. */
  onChange(handle: (gone: readonly string[]) => void): void;
}

export function makeFollowedHosts(database: AgentDatabase): FollowedHosts {
  database.execute(
    "CREATE TABLE IF NOT EXISTS followed (resource TEXT, uid TEXT, body TEXT NOT NULL, PRIMARY KEY (resource, uid)) STRICT",
  );
  let notify: (gone: readonly string[]) => void = () => undefined;
  const rows = (resource: FeedResource) =>
    database.all("SELECT uid, body FROM followed WHERE resource = ?", resource);
  const remove = (resource: FeedResource, uid: string) =>
    database.run("DELETE FROM followed WHERE resource = ? AND uid = ?", resource, uid);
  const put = (resource: FeedResource, uid: string, body: unknown) =>
    database.run(
      "INSERT INTO followed (resource, uid, body) VALUES (?, ?, ?) ON CONFLICT (resource, uid) DO UPDATE SET body = excluded.body",
      resource,
      uid,
      JSON.stringify(body),
    );
  return {
    isComplete: (resource) => readSetting(database, `complete:${resource}`) === "yes",
    listed(resource, uids) {
      const named = new Set(uids);
      const gone = rows(resource)
        .map((row) => String(row["uid"]))
        .filter((uid) => !named.has(uid));
      for (const uid of gone) remove(resource, uid);
      writeSetting(database, `complete:${resource}`, "yes");
      notify(gone);
    },
    changed(resource, objects, gone) {
      for (const object of objects) {
        const body = summary(resource, object);
        if (body !== undefined) put(resource, object.metadata.uid, body);
      }
      for (const uid of gone) remove(resource, uid);
      notify(gone);
    },
    all: () =>
      rows("baremetalhosts").flatMap(
        (row) => followedHost.safeParse(JSON.parse(String(row["body"]))).data ?? [],
      ),
    namespaceAnnotations(namespace) {
      const found = rows("namespaces").find((row) => namespaceOf(row).name === namespace);
      return found === undefined ? {} : namespaceOf(found).annotations;
    },
    onChange(handle) {
      notify = handle;
    },
  };
}

const followedNamespace = z.object({
  name: z.string(),
  annotations: z.record(z.string(), z.string()),
});

function namespaceOf(row: Record<string, unknown>) {
  return followedNamespace.parse(JSON.parse(String(row["body"])));
}

function summary(resource: FeedResource, object: FeedObject): unknown {
  if (resource === "namespaces") {
    const { name, annotations } = object.metadata as {
      name: string;
      annotations?: Record<string, string>;
    };
    return { name, annotations: annotations ?? {} };
  }
  if (resource !== "baremetalhosts") return undefined;
  const parsed = hostObject.safeParse(object);
  if (!parsed.success) return undefined;
  const { metadata, spec } = parsed.data;
  return {
    uid: metadata.uid,
    namespace: metadata.namespace,
    name: metadata.name,
    labels: metadata.labels ?? {},
    bmcAddress: spec.bmc?.address ?? "",
    deleting: metadata.deletionTimestamp !== undefined,
    secrets: namedSecrets(metadata.namespace, spec),
  } satisfies FollowedHost;
}

/** The Secrets that a host names in its own namespace; a reference to another one is never read. */
function namedSecrets(
  namespace: string,
  spec: z.infer<typeof hostObject>["spec"],
): { purpose: SecretPurpose; name: string }[] {
  const own = (purpose: SecretPurpose, ref: z.infer<typeof reference> | undefined) =>
    ref?.name === undefined || ref.name === "" || (ref.namespace ?? namespace) !== namespace
      ? []
      : [{ purpose, name: ref.name }];
  return [
    ...own("bmc", { name: spec.bmc?.credentialsName }),
    ...own("userData", spec.userData),
    ...own("networkData", spec.networkData),
    ...own("metaData", spec.metaData),
    ...own("preprovisioningNetworkData", { name: spec.preprovisioningNetworkDataName }),
  ];
}
