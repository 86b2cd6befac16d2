// What the cluster link remembers of each host, on disk: which Secrets it names and where they are sealed to.
// Nothing of a Secret's content is kept.
import { z } from "zod";
import type { FeedObject, FeedResource } from "../../shared/protocol/feed.ts";
import { secretPurpose, type SecretPurpose } from "../../shared/protocol/facts/sealed-secret.ts";
import type { AgentDatabase } from "../ports.ts";
import { noteSetting, readSetting, writeSetting } from "../link/database.ts";
import type { ObjectMemory } from "./follow-deps.ts";

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

const followedNamespace = z.object({
  name: z.string(),
  annotations: z.record(z.string(), z.string()),
});

const reference = z.object({ name: z.string().optional(), namespace: z.string().optional() });
const strings = z.record(z.string(), z.string());
const hostObject = z.object({
  metadata: z.object({
    uid: z.string(),
    namespace: z.string(),
    name: z.string(),
    labels: strings.optional(),
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
const namespaceObject = z.object({
  metadata: z.object({ name: z.string(), annotations: strings.optional() }),
});

/** Hosts whose Secrets may need another look; "all" when a namespace changed. */
export type HostChange = ReadonlySet<string> | "all";

export interface FollowedHosts extends ObjectMemory {
  all(): readonly FollowedHost[];
  /** Annotations by the namespace's name. */
  namespaces(): ReadonlyMap<string, Readonly<Record<string, string>>>;
  /** Told after a change that matters to Secrets; a host's status does not. */
  onChange(handle: (change: HostChange) => void): void;
}

export function makeFollowedHosts(database: AgentDatabase): FollowedHosts {
  /** As the table has them; undefined since it changed. */
  let hosts: readonly FollowedHost[] | undefined;
  let namespaces: ReadonlyMap<string, Readonly<Record<string, string>>> | undefined;
  const { bodies, put, remove } = openTable(database, () => {
    [hosts, namespaces] = [undefined, undefined];
  });
  let notify: (change: HostChange) => void = () => undefined;
  const tell = (resource: FeedResource, uids: readonly string[]): void => {
    if (uids.length > 0) notify(resource === "namespaces" ? "all" : new Set(uids));
  };
  return {
    ...completeness(database),
    ...progress(database),
    listed(resource, uids) {
      const named = new Set(uids);
      const gone = database
        .all("SELECT uid FROM followed WHERE resource = ?", resource)
        .map((row) => String(row["uid"]))
        .filter((uid) => !named.has(uid));
      for (const uid of gone) remove(resource, uid);
      writeSetting(database, `complete:${resource}`, "yes");
      tell(resource, gone);
    },
    changed(resource, objects, gone) {
      const changed = objects.flatMap((object) => {
        const { uid } = object.metadata;
        const body = summary(resource, object);
        // What cannot be understood names no Secrets.
        const isNews = body === undefined ? remove(resource, uid) : put(resource, uid, body);
        return isNews ? [uid] : [];
      });
      tell(resource, [...changed, ...gone.filter((uid) => remove(resource, uid))]);
    },
    all: () =>
      (hosts ??= bodies("baremetalhosts").flatMap(
        (body) => followedHost.safeParse(body).data ?? [],
      )),
    namespaces: () =>
      (namespaces ??= new Map(
        bodies("namespaces").flatMap((body) => {
          const parsed = followedNamespace.safeParse(body);
          return parsed.success ? [[parsed.data.name, parsed.data.annotations]] : [];
        }),
      )),
    onChange(handle) {
      notify = handle;
    },
  };
}

function completeness(database: AgentDatabase): Pick<ObjectMemory, "isComplete" | "listing"> {
  const isComplete = (resource: FeedResource): boolean =>
    readSetting(database, `complete:${resource}`) === "yes";
  return {
    isComplete,
    listing(resource) {
      if (isComplete(resource)) writeSetting(database, `complete:${resource}`, "no");
    },
  };
}

function progress(database: AgentDatabase): Pick<ObjectMemory, "reach" | "reached"> {
  const known = new Map<FeedResource, string>();
  const keyOf = (resource: FeedResource): string => `reached:${resource}`;
  const reached = (resource: FeedResource): string => {
    const version = known.get(resource) ?? readSetting(database, keyOf(resource)) ?? "";
    known.set(resource, version);
    return version;
  };
  return {
    reached,
    reach(resource, version) {
      if (version === reached(resource)) return;
      known.set(resource, version);
      noteSetting(database, keyOf(resource), version);
    },
  };
}

function openTable(database: AgentDatabase, onChange: () => void) {
  database.execute(
    "CREATE TABLE IF NOT EXISTS followed (resource TEXT, uid TEXT, body TEXT NOT NULL, PRIMARY KEY (resource, uid)) STRICT",
  );
  const write = (sql: string, ...values: readonly string[]): boolean => {
    const isChanged = database.run(sql, ...values).changes > 0;
    if (isChanged) onChange();
    return isChanged;
  };
  return {
    bodies: (resource: FeedResource): unknown[] =>
      database
        .all("SELECT body FROM followed WHERE resource = ?", resource)
        .map((row): unknown => JSON.parse(String(row["body"]))),
    /** Whether there was one. */
    remove: (resource: FeedResource, uid: string): boolean =>
      write("DELETE FROM followed WHERE resource = ? AND uid = ?", resource, uid),
    /** Whether it was another. */
    put: (resource: FeedResource, uid: string, body: unknown): boolean =>
      write(
        `INSERT INTO followed (resource, uid, body) VALUES (?, ?, ?)
         ON CONFLICT (resource, uid) DO UPDATE SET body = excluded.body
         WHERE followed.body <> excluded.body`,
        resource,
        uid,
        JSON.stringify(body),
      ),
  };
}

function summary(resource: FeedResource, object: FeedObject): unknown {
  if (resource === "namespaces") {
    const parsed = namespaceObject.safeParse(object).data?.metadata;
    return parsed && { name: parsed.name, annotations: parsed.annotations ?? {} };
  }
  const parsed = resource === "baremetalhosts" ? hostObject.safeParse(object).data : undefined;
  if (parsed === undefined) return undefined;
  const { metadata, spec } = parsed;
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
