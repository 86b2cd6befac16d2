// What is told of a Kubernetes API: each story works on objects of its own, in the namespace "story".
import { hosts, namespace, secrets, Story } from "./api-story.ts";
import type { StoryObject } from "./api-story.ts";

const apiVersion = "metal3.io/v1alpha1";
const host = (name: string, spec: object = {}, metadata: object = {}) => ({
  apiVersion,
  kind: "BareMetalHost",
  metadata: { name, namespace, ...metadata },
  spec: { online: true, ...spec },
});
const secret = (name: string, more: object = {}, metadata: object = {}) => ({
  apiVersion: "v1",
  kind: "Secret",
  metadata: { name, namespace, ...metadata },
  ...more,
});
const status = (state: string) => ({
  errorCount: 0,
  errorMessage: "",
  operationalStatus: "OK",
  poweredOn: true,
  provisioning: { state, ID: "x" },
  provisioningFailCount: 0,
});
const stale = "1";
const stranger = "00000000-0000-4000-8000-000000000000";
const versioned = ({ metadata }: StoryObject, more: object = {}) => ({
  metadata: { ...metadata, ...more },
});

export const stories: Readonly<Record<string, (story: Story) => Promise<void>>> = {
  async creation(story) {
    await story.create("no online", hosts, host("a", { online: undefined }));
    await story.create("online is a word", hosts, host("a", { online: "yes" }));
    const odd = { ...host("a", { colour: "brown" }), status: status("available") };
    await story.create("pruned, with defaults, without status", hosts, odd);
    await story.create("there already", hosts, host("a"));
    const nowhere = hosts.replace(namespace, "nowhere");
    await story.create("no such namespace", nowhere, host("a", {}, { namespace: "nowhere" }));
    await story.send("no such host", { method: "GET", path: `${hosts}/none` });
    await story.create("dry run", `${hosts}?dryRun=All`, host("dry"));
    await story.send("dry run stored nothing", { method: "GET", path: `${hosts}/dry` });
  },

  async patches(story) {
    const path = `${hosts}/p`;
    const first = await story.create("created", hosts, host("p"));
    await story.patch("spec", path, { spec: { online: false } });
    await story.patch("nothing new", path, { spec: { online: false } });
    await story.patch("label", path, { metadata: { labels: { rack: "7" } } });
    await story.patch("annotation", path, { metadata: { annotations: { a: "1", b: "2" } } });
    await story.patch("one less", path, { metadata: { annotations: { a: null } } });
    await story.patch("none left", path, { metadata: { annotations: { b: null } } });
    await story.patch("spec and status", path, { spec: { online: true }, status: status("x") });
    await story.patch("unknown field", path, { spec: { colour: "brown" } });
    await story.patch("invalid", path, { spec: { online: null } });
    await story.patch("old version", path, {
      metadata: { resourceVersion: first.metadata.resourceVersion, labels: { rack: "8" } },
    });
    await story.patch("other uid", path, { metadata: { uid: stranger, labels: { rack: "8" } } });
    const now = await story.get(path);
    await story.patch("right uid and version", path, {
      metadata: {
        uid: now?.metadata.uid,
        resourceVersion: now?.metadata.resourceVersion,
        labels: { rack: "9" },
      },
    });
    await story.patch("old version, other uid", path, {
      metadata: { uid: stranger, resourceVersion: first.metadata.resourceVersion },
    });
    await story.patch("dry run", `${path}?dryRun=All`, { spec: { description: "dry" } });
    await story.send("dry run stored nothing", { method: "GET", path });
    await story.patch("merged deep", path, { spec: { rootDeviceHints: { model: "m" } } });
    await story.patch("merged deeper", path, { spec: { rootDeviceHints: { vendor: "v" } } });
  },

  async status(story) {
    const path = `${hosts}/s`;
    const first = await story.create("created", hosts, host("s"));
    const body = { ...first, status: status("available") };
    const written = await story.put("written, nothing else is", `${path}/status`, {
      ...body,
      metadata: { ...first.metadata, labels: { rack: "7" } },
      spec: { online: false },
    });
    await story.put("old version", `${path}/status`, body);
    await story.put("same again", `${path}/status`, { ...written, status: status("available") });
    const { resourceVersion: _version, ...unversioned } = written.metadata;
    await story.put("without a version", `${path}/status`, { ...body, metadata: unversioned });
    const other = versioned(written, { uid: stranger });
    await story.put("other uid", `${path}/status`, { ...body, ...other });
    const half = { errorMessage: "", operationalStatus: "OK" };
    await story.put("incomplete", `${path}/status`, {
      ...body,
      ...versioned(written),
      status: half,
    });
    await story.patch("patched", `${path}/status`, { status: { poweredOn: false } });
    await story.patch("main patched", path, { spec: { online: false } });
    const now = await story.get(path);
    await story.put("replaced", path, { ...now, spec: { online: true }, status: status("z") });
    await story.put("replaced with an old version", path, { ...body, spec: { online: true } });
    await story.put("replaced without a version", path, { ...body, metadata: unversioned });
  },

  async deletion(story) {
    const path = `${hosts}/d`;
    const made = await story.create(
      "created",
      hosts,
      host("d", {}, { finalizers: ["x.example/1"] }),
    );
    await story.delete("other uid", path, { preconditions: { uid: stranger } });
    await story.delete("old version", path, { preconditions: { resourceVersion: stale } });
    await story.delete("dry run", `${path}?dryRun=All`);
    await story.send("dry run changed nothing", { method: "GET", path });
    await story.delete("marked", path, { preconditions: { uid: made.metadata.uid } });
    await story.delete("again", path);
    await story.patch("one finalizer more", path, {
      metadata: { finalizers: ["x.example/1", "x.example/2"] },
    });
    await story.patch("spec", path, { spec: { online: false } });
    await story.patch("no deletion any more", path, { metadata: { deletionTimestamp: null } });
    const last = await story.get(path);
    await story.put("status", `${path}/status`, { ...last, status: status("deleting") });
    await story.patch("released", path, { metadata: { finalizers: null } });
    await story.send("gone", { method: "GET", path });
    await story.put("status of what is gone", `${path}/status`, { ...last });
    await story.put("replacement of what is gone", path, { ...last });
    await story.patch("patch of what is gone", path, { metadata: { uid: made.metadata.uid } });
    await story.delete("delete what is gone", path);
    const again = await story.create("its successor", hosts, host("d"));
    story.seen.push({ step: "has another uid", is: again.metadata.uid !== made.metadata.uid });
    const named = { ...again, metadata: { ...again.metadata, uid: made.metadata.uid } };
    await story.put("for its predecessor", `${path}/status`, { ...named, status: status("x") });
    await story.delete("at once", path);
  },

  async kinds(story) {
    await story.create("Secret", secrets, secret("k", { stringData: { password: "x" } }));
    await story.patch("labelled", `${secrets}/k`, { metadata: { labels: { a: "b" } } });
    await story.put("replaced without a version", `${secrets}/k`, secret("k", { data: {} }));
    await story.patch("new password", `${secrets}/k`, { stringData: { password: "y" } });
    await story.delete("deleted", `${secrets}/k`);
    const data = `/apis/${apiVersion}/namespaces/${namespace}/hardwaredata`;
    const hardware = { apiVersion, kind: "HardwareData", metadata: { name: "k", namespace } };
    await story.create("HardwareData", data, {
      ...hardware,
      spec: { hardware: { hostname: "k" } },
    });
    await story.patch("changed", `${data}/k`, { spec: { hardware: { hostname: "l" } } });
    await story.delete("forgotten", `${data}/k`);
    const event = {
      metadata: { name: "k.1", namespace },
      involvedObject: { kind: "BareMetalHost", name: "k", namespace },
      reason: "Registered",
      type: "Normal",
    };
    const events = `/api/v1/namespaces/${namespace}/events`;
    const answers = [event, event].map((body) => ({ method: "POST", path: events, body }) as const);
    for (const request of answers) {
      const { reason } = (await story.send("Event", request)) as unknown as { reason: string };
      story.seen.push({ step: "its reason", reason });
    }
    const leases = "/apis/coordination.k8s.io/v1/leases";
    const none = `${leases}?fieldSelector=metadata.name%3Dbaremetal-operator`;
    story.seen.push({ step: "Leases of nobody", items: (await story.get(none))?.["items"] });
  },

  async lists(story) {
    for (const name of ["l-e", "l-a", "l-c", "l-d", "l-b"]) {
      await story.create(name, secrets, secret(name, {}, { labels: { page: "yes" } }));
    }
    const list = `${secrets}?labelSelector=page%3Dyes&limit=2`;
    const page = async (next: string) => {
      const found = await story.get(`${list}${next && `&continue=${encodeURIComponent(next)}`}`);
      const { metadata, items } = found as unknown as {
        metadata: { resourceVersion: string; continue?: string };
        items: readonly (StoryObject & { kind?: string })[];
      };
      return { metadata, items: items.map(({ metadata: { name }, kind }) => ({ name, kind })) };
    };
    const first = await page("");
    await story.delete("one goes between pages", `${secrets}/l-d`);
    await story.create("one comes", secrets, secret("l-cc", {}, { labels: { page: "yes" } }));
    const second = await page(first.metadata.continue ?? "");
    const third = await page(second.metadata.continue ?? "");
    story.seen.push({
      step: "pages of one moment",
      items: [first.items, second.items, third.items],
      isOneMoment: new Set([first, second, third].map((each) => each.metadata.resourceVersion))
        .size,
      isLast: third.metadata.continue ?? "",
    });
  },

  async watches(story) {
    const made = await story.create("created", hosts, host("w"));
    const from = `${hosts}?resourceVersion=${made.metadata.resourceVersion}&allowWatchBookmarks=true`;
    const follower = story.follow("what a watch told", from);
    await story.patch("label", `${hosts}/w`, { metadata: { labels: { rack: "7" } } });
    await story.patch("nothing new", `${hosts}/w`, { metadata: { labels: { rack: "7" } } });
    await story.patch("finalizer", `${hosts}/w`, { metadata: { finalizers: ["x.example/1"] } });
    await story.delete("marked", `${hosts}/w`);
    await story.patch("released", `${hosts}/w`, { metadata: { finalizers: [] } });
    await story.until("all came", () => follower.events.length >= 4);
    await follower.finish();
    const tooOld = story.follow("from before the beginning", `${hosts}?resourceVersion=${stale}`);
    await story.until("an end", () => tooOld.events.length > 0);
    await tooOld.finish();
  },

  async selection(story) {
    const selected = "labelSelector=environment.metal3.io%3Dbaremetal";
    const labels = { "environment.metal3.io": "baremetal" };
    await story.create("selected before", secrets, secret("x-1", {}, { labels }));
    const follower = story.follow("what the watch of a label told", `${secrets}?${selected}`);
    await story.until("the first came", () => follower.events.length > 0);
    await story.create("not selected", secrets, secret("x-2"));
    await story.patch("selected now", `${secrets}/x-2`, { metadata: { labels } });
    await story.patch("changed", `${secrets}/x-2`, { metadata: { annotations: { a: "b" } } });
    const dropped = { "environment.metal3.io": null };
    await story.patch("no more", `${secrets}/x-2`, { metadata: { labels: dropped } });
    await story.delete("gone", `${secrets}/x-1`);
    await story.until("all came", () => follower.events.length >= 5);
    await follower.finish();
  },

  async owners(story) {
    const [one, other] = [
      await story.create("an owner", hosts, host("o-1")),
      await story.create("another", hosts, host("o-2")),
    ];
    const ownerOf = ({ metadata: { name, uid } }: StoryObject) => ({
      apiVersion,
      kind: "BareMetalHost",
      name,
      uid,
    });
    const owned = { ownerReferences: [ownerOf(one)] };
    const shared = { ownerReferences: [ownerOf(one), ownerOf(other)] };
    const held = { ...owned, finalizers: ["x.example/1"] };
    for (const [name, metadata] of Object.entries({ owned, shared, held })) {
      await story.create(name, secrets, secret(`o-${name}`, {}, metadata));
    }
    await story.delete("the owner goes", `${hosts}/o-1`);
    const isGone = async (path: string) => (await story.get(path)) === undefined;
    await story.until("what it owned goes", () => isGone(`${secrets}/o-owned`));
    await story.until("what has a finalizer is marked", async () => {
      const now = await story.get(`${secrets}/o-held`);
      return now?.metadata.deletionTimestamp !== undefined;
    });
    await story.patch("released", `${secrets}/o-held`, { metadata: { finalizers: null } });
    await story.delete("the other owner goes", `${hosts}/o-2`);
    await story.until("what they shared goes", () => isGone(`${secrets}/o-shared`));
    const orphan = { ownerReferences: [ownerOf(one)] };
    await story.create("of an owner that is gone", secrets, secret("o-orphan", {}, orphan));
    await story.until("goes at once", () => isGone(`${secrets}/o-orphan`));
  },

  async "namespace deletion"(story) {
    const name = "story-end";
    const path = `/api/v1/namespaces/${name}`;
    const within = (collection: string) => collection.replace(namespace, name);
    const namespaces = "/api/v1/namespaces";
    await story.create("created", namespaces, { kind: "Namespace", metadata: { name } });
    const place = { namespace: name };
    const held = { ...place, finalizers: ["x.example/1"] };
    await story.create("a held host", within(hosts), host("n", {}, held));
    await story.create("a Secret", within(secrets), secret("n", {}, place));
    await story.create("a held Secret", within(secrets), secret("n-held", {}, held));
    await story.delete("deleted", path);
    await story.create("nothing new", within(secrets), secret("n-2", {}, place));
    await story.until("the Secret goes", async () => !(await story.get(`${within(secrets)}/n`)));
    const isMarked = async (each: string) =>
      (await story.get(each))?.metadata.deletionTimestamp !== undefined;
    const [heldHost, heldSecret] = [`${within(hosts)}/n`, `${within(secrets)}/n-held`];
    await story.until("the host is marked", () => isMarked(heldHost));
    await story.until("the held Secret, too", () => isMarked(heldSecret));
    await story.patch("it can be changed", heldHost, { spec: { online: false } });
    for (const each of [heldHost, heldSecret]) {
      await story.patch("released", each, { metadata: { finalizers: null } });
    }
    await story.until("the namespace goes", async () => (await story.get(path)) === undefined);
  },
};
