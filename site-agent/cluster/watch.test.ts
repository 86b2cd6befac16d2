// The feed's follower against a Kubernetes in memory and a hub that keeps the cursor: nothing lost, nothing
// twice, no list without need.
import { afterEach, beforeEach, expect, test } from "vitest";
import type { FeedBatch, FeedResource } from "../../shared/protocol/feed.ts";
import { err, ok } from "../../shared/result.ts";
import { makeVirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";
import { FakeKubernetes } from "../../test/support/fake-kubernetes.ts";
import { openNodeDatabase } from "../adapters/node-database.ts";
import { makeNodeCrypto } from "../adapters/node-crypto.ts";
import { prepareDatabase } from "../link/database.ts";
import type { Hub } from "./hub.ts";
import { makeNewestSeen, type NewestSeen } from "./newest-seen.ts";
import type { FollowDeps, ObjectMemory } from "./follow-deps.ts";
import { followResource } from "./watch.ts";

const path = (name: string) => `/apis/metal3.io/v1alpha1/namespaces/horses/baremetalhosts/${name}`;

/** Keeps objects and cursor as the control plane does. */
class FakeHub implements Hub {
  cursor = "";
  reachable = true;
  answersLost = 0;
  readonly objects = new Map<string, string>();
  readonly applied: string[] = [];
  /** Versions of whole lists. */
  readonly listed: string[] = [];
  /** What lists said that they replace. */
  readonly replaced: (string | undefined)[] = [];
  readonly posted: FeedBatch[] = [];

  async postFeed(_resource: unknown, batch: FeedBatch) {
    this.posted.push(batch);
    if (!this.reachable) return err("unreachable", "the line is cut");
    if (batch.kind === "list") return this.takeList(batch);
    const taken = this.takeEvents(batch);
    if (this.answersLost === 0) return taken;
    this.answersLost -= 1;
    return err("unreachable", "no answer");
  }

  private takeEvents(batch: Extract<FeedBatch, { kind: "watch" }>) {
    if (batch.fromResourceVersion !== this.cursor)
      return ok({ stored: false, cursor: this.cursor });
    for (const { type, object } of batch.events) {
      this.applied.push(`${type} ${object.metadata.name}@${object.metadata.resourceVersion}`);
      if (type === "DELETED") this.objects.delete(object.metadata.name);
      else this.objects.set(object.metadata.name, object.metadata.resourceVersion);
    }
    this.cursor = batch.toResourceVersion;
    return ok({ stored: true, cursor: this.cursor });
  }

  private takeList(batch: Extract<FeedBatch, { kind: "list" }>) {
    this.replaced.push(batch.replaces);
    if (batch.replaces !== this.cursor) return ok({ stored: false, cursor: this.cursor });
    if (this.listId !== batch.listId) this.named.clear();
    this.listId = batch.listId;
    for (const { metadata } of batch.items) {
      this.named.add(metadata.name);
      this.objects.set(metadata.name, metadata.resourceVersion);
    }
    if (batch.last) {
      for (const name of this.objects.keys()) if (!this.named.has(name)) this.objects.delete(name);
      this.cursor = batch.resourceVersion;
      this.listed.push(this.cursor);
    }
    return ok({ stored: true, cursor: this.cursor });
  }

  private listId = "";
  private readonly named = new Set<string>();
  postSecrets = async () => ok([]);
  postNodes = async () => ok(undefined);
}

let kubernetes: FakeKubernetes;
let hub: FakeHub;
let clock: ReturnType<typeof makeVirtualClock>;
let stop: AbortController;
let complete: boolean;
let logged: string[];
let remembered: Map<string, string>;
let reached: string;
/** Of each list. */
let losses: boolean[];
let newest: NewestSeen;

beforeEach(() => {
  kubernetes = new FakeKubernetes();
  hub = new FakeHub();
  clock = makeVirtualClock();
  complete = false;
  logged = [];
  remembered = new Map();
  reached = "";
  losses = [];
  const database = openNodeDatabase(":memory:");
  prepareDatabase(database);
  newest = makeNewestSeen(database);
});
afterEach(() => stop.abort());

const memory: ObjectMemory = {
  isComplete: () => complete,
  listing: () => {
    complete = false;
  },
  listed: (_resource, _uids, hadLost) => {
    complete = true;
    losses.push(hadLost);
  },
  changed(_resource, objects, gone) {
    for (const { metadata } of objects) remembered.set(metadata.uid, metadata.name);
    for (const uid of gone) remembered.delete(uid);
  },
  reach: (_resource, version) => {
    reached = version;
  },
  reached: () => reached,
};

/** A link that (re)starts. */
async function start(resource: FeedResource = "baremetalhosts"): Promise<void> {
  stop = new AbortController();
  const say = (message: string) => void logged.push(message);
  const deps: FollowDeps = {
    api: kubernetes,
    hub,
    clock,
    crypto: makeNodeCrypto(),
    log: { info: say, warn: say, error: say },
    memory,
    newest,
  };
  void followResource(deps, resource, stop.signal);
  await clock.advance(0);
}

function lists(): number {
  return kubernetes.requests.filter((request) => request.path.includes("limit=200")).length;
}

test("the feed lists once and follows from there", async () => {
  kubernetes.put(path("m1"), { metadata: { name: "m1", namespace: "horses" } });
  await start();
  expect([...hub.objects.keys()]).toEqual(["m1"]);
  kubernetes.put(path("m2"), { metadata: { name: "m2", namespace: "horses" } });
  await clock.advance(0);
  expect([...hub.objects.keys()]).toEqual(["m1", "m2"]);
  expect(lists()).toBe(1);
});

test("the feed leaves out who wrote which field", async () => {
  const metadata = { name: "m1", managedFields: [{ manager: "kubectl" }] };
  kubernetes.put(path("m1"), { metadata });
  await start();
  kubernetes.put(path("m1"), { metadata: { ...metadata, labels: { rack: "a" } } });
  await clock.advance(0);
  expect(hub.applied).toEqual(["MODIFIED m1@102"]);
  expect(JSON.stringify(hub.posted)).toContain("rack");
  expect(JSON.stringify(hub.posted)).not.toContain("kubectl");
});

test("a control plane that has lost what it had taken in is given a whole list, not the changes since", async () => {
  await start();
  const earlier = hub.cursor;
  kubernetes.put(path("m1"), { metadata: { name: "m1" } });
  await clock.advance(0);
  stop.abort();
  await start();
  expect(lists()).toBe(1);
  stop.abort();
  hub.cursor = earlier;
  await start();
  expect(lists()).toBe(2);
  hub.cursor = earlier;
  kubernetes.put(path("m2"), { metadata: { name: "m2" } });
  await clock.advance(2_000);
  expect(lists()).toBe(3);
  expect(losses).toEqual([true, true, true]);
});

test("the feed takes each change exactly once when the server closes the watch", async () => {
  await start();
  kubernetes.put(path("m1"), { metadata: { name: "m1" } });
  await clock.advance(0);
  kubernetes.disconnect();
  kubernetes.put(path("m1"), { metadata: { name: "m1" }, spec: { online: true } });
  await clock.advance(2_000);
  expect(hub.applied).toEqual(["ADDED m1@101", "MODIFIED m1@102"]);
  expect(lists()).toBe(1);
});

test("the feed sees a delete that happened while the link was away", async () => {
  kubernetes.put(path("m1"), { metadata: { name: "m1" } });
  await start();
  stop.abort();
  await clock.advance(0);
  kubernetes.remove(path("m1"));
  await start();
  expect(hub.objects.size).toBe(0);
  expect(lists()).toBe(1);
});

test("the feed lists again when its cursor is too old, and forgets what is gone", async () => {
  kubernetes.put(path("m1"), { metadata: { name: "m1" } });
  await start();
  stop.abort();
  await clock.advance(0);
  kubernetes.remove(path("m1"));
  kubernetes.put(path("m2"), { metadata: { name: "m2" } });
  kubernetes.oldestVersion = 1000;
  await start();
  kubernetes.oldestVersion = 0;
  await clock.advance(2_000);
  expect([...hub.objects.keys()]).toEqual(["m2"]);
});

test("the feed loses nothing while the control plane cannot be reached", async () => {
  await start();
  hub.reachable = false;
  kubernetes.put(path("m1"), { metadata: { name: "m1" } });
  await clock.advance(5_000);
  expect(hub.objects.size).toBe(0);
  hub.reachable = true;
  await clock.advance(5_000);
  expect(hub.applied).toEqual(["ADDED m1@101"]);
  expect(lists()).toBe(1);
});

test("the link remembers what the control plane stored, also when it did not hear so", async () => {
  await start();
  hub.answersLost = 1;
  kubernetes.put(path("m1"), { metadata: { name: "m1" } });
  await clock.advance(0);
  // Known to the control plane only after the next watch.
  kubernetes.put(path("m2"), { metadata: { name: "m2" } });
  await clock.advance(0);
  await clock.advance(5_000);
  expect(hub.applied).toEqual(["ADDED m1@101", "ADDED m2@102"]);
  expect([...remembered.values()]).toEqual(["m1", "m2"]);
  hub.answersLost = 1;
  kubernetes.remove(path("m1"));
  await clock.advance(5_000);
  expect([...remembered.values()]).toEqual(["m2"]);
});

test("a link that starts takes in what another process of its agent told meanwhile, and lists nothing for it", async () => {
  await start();
  stop.abort();
  await clock.advance(0);
  kubernetes.put(path("m1"), { metadata: { name: "m1" } });
  kubernetes.put(path("m2"), { metadata: { name: "m2" } });
  hub.objects.set("m1", "101");
  hub.cursor = "101";
  await start();
  await clock.advance(2_000);
  expect([...remembered.values()]).toEqual(["m1", "m2"]);
  expect(hub.applied).toEqual(["ADDED m2@102"]);
  expect(lists()).toBe(1);
});

test("it lists from no server that lags behind what another process has told", async () => {
  await start();
  stop.abort();
  await clock.advance(0);
  hub.cursor = "102";
  kubernetes.oldestVersion = 1000;
  await start();
  kubernetes.oldestVersion = 0;
  expect(hub.listed).toEqual(["100"]);
  kubernetes.put(path("m1"), { metadata: { name: "m1" } });
  kubernetes.put(path("m2"), { metadata: { name: "m2" } });
  await clock.advance(1_000);
  expect(hub.listed).toEqual(["100", "102"]);
});

test("the link remembers what another process has told while it watched, all of it", async () => {
  await start();
  kubernetes.disconnect();
  kubernetes.put(path("m1"), { metadata: { name: "m1" } });
  kubernetes.put(path("m2"), { metadata: { name: "m2" } });
  hub.cursor = "102";
  const post = hub.postFeed.bind(hub);
  hub.postFeed = async (resource, batch) => {
    // One event at a time: none reaches as far as the control plane stands.
    if (batch.kind === "watch" && batch.events.length > 1) {
      const [first] = batch.events;
      batch.events = first === undefined ? [] : [first];
      batch.toResourceVersion = first?.object.metadata.resourceVersion ?? "";
    }
    return await post(resource, batch);
  };
  await clock.advance(1_000);
  hub.postFeed = post;
  kubernetes.disconnect();
  await clock.advance(2_000);
  expect([...remembered.values()]).toEqual(["m1", "m2"]);
  expect(reached).toBe("102");
});

test("bookmarks move the cursor of a quiet resource", async () => {
  await start();
  const before = Number(hub.cursor);
  kubernetes.bookmark("baremetalhosts");
  await clock.advance(0);
  expect(Number(hub.cursor)).toBeGreaterThan(before);
});

test("a link that lost its memory lists once more though the control plane has a cursor", async () => {
  await start();
  stop.abort();
  await clock.advance(0);
  complete = false;
  await start();
  expect(lists()).toBe(2);
});

test("a list that was taken as the link ended is listed once more: its other halves need to be told, too", async () => {
  await start();
  stop.abort();
  await clock.advance(0);
  hub.cursor = "";
  const post = hub.postFeed.bind(hub);
  hub.postFeed = async (resource, batch) => {
    const answer = await post(resource, batch);
    if (batch.kind === "list") stop.abort();
    return batch.kind === "list" ? err("unreachable", "the link ended") : answer;
  };
  await start();
  expect(hub.cursor).not.toBe("");
  hub.postFeed = post;
  await start();
  expect(lists()).toBe(3);
  expect(complete).toBe(true);
});

test("the feed lists anew when the server is older than its cursor, as after a restore", async () => {
  kubernetes.put(path("m1"), { metadata: { name: "m1" } });
  await start();
  const watch = kubernetes.watch.bind(kubernetes);
  let answers = 1;
  kubernetes.watch = (...args) =>
    answers-- > 0
      ? Promise.resolve({ status: 504, reason: "Too large resource version" })
      : watch(...args);
  kubernetes.disconnect();
  await clock.advance(5_000);
  expect(lists()).toBe(2);
});

const notDefined = (): number => 404;
const machine =
  "/apis/infrastructure.cluster.x-k8s.io/v1beta2/namespaces/horses/metal3machines/worker-1";

test("a resource of the machine side that is not defined is looked for after 15 s, at last every minute, and told once", async () => {
  kubernetes.refuse = notDefined;
  await start("metal3machines");
  await clock.advance(46_000);
  expect(lists()).toBe(3);
  await clock.advance(120_000);
  expect(lists()).toBe(5);
  expect(logged).toEqual(["not defined here"]);
  expect(complete).toBe(false);
  kubernetes.refuse = () => undefined;
  kubernetes.put(machine, { metadata: { name: "worker-1", namespace: "horses" } });
  await clock.advance(60_000);
  expect([...hub.objects.keys()]).toEqual(["worker-1"]);
  expect(complete).toBe(true);
});

test("a resource of the machine side whose definition goes is looked for again, and listed anew", async () => {
  kubernetes.put(machine, { metadata: { name: "worker-1", namespace: "horses" } });
  await start("metal3machines");
  kubernetes.refuse = notDefined;
  const watch = kubernetes.watch.bind(kubernetes);
  kubernetes.watch = () => Promise.resolve({ status: 404, reason: "not found" });
  kubernetes.disconnect();
  await clock.advance(60_000);
  expect(lists()).toBeLessThan(7);
  kubernetes.watch = watch;
  kubernetes.refuse = () => undefined;
  kubernetes.put(machine, { metadata: { name: "worker-1", namespace: "horses" } });
  await clock.advance(60_000);
  expect(hub.objects.get("worker-1")).toBe("102");
});

test("a resource of the machine side that rights do not name is asked for every 15 s, and each time told", async () => {
  kubernetes.refuse = () => 403;
  await start("metal3machines");
  await clock.advance(31_000);
  expect(lists()).toBe(3);
  expect(logged.filter((line) => line === "list failed")).toHaveLength(3);
});

test("hosts that are not defined yet are asked for every second", async () => {
  kubernetes.refuse = notDefined;
  await start();
  kubernetes.put(path("m1"), { metadata: { name: "m1" } });
  kubernetes.refuse = () => undefined;
  await clock.advance(1_000);
  expect([...hub.objects.keys()]).toEqual(["m1"]);
});

test("a list names the cursor that it replaces, and is refused where another one has come first", async () => {
  await start();
  const [first] = hub.replaced;
  expect(first).toBe("");
  complete = false;
  stop.abort();
  await clock.advance(0);
  const post = hub.postFeed.bind(hub);
  hub.postFeed = async (resource, batch) => {
    hub.postFeed = post;
    const probe = await post(resource, batch);
    hub.cursor = "999";
    return probe;
  };
  await start();
  await clock.advance(2_000);
  expect(hub.replaced).toEqual(["", hub.listed[0], "999"]);
  expect(hub.listed).toHaveLength(2);
});

test("the feed takes no list that is older than what it has seen", async () => {
  await start();
  kubernetes.put(path("m1"), { metadata: { name: "m1" } });
  await clock.advance(0);
  const request = kubernetes.request.bind(kubernetes);
  let stale = 3;
  kubernetes.request = async (asked) => {
    if (stale === 0) return await request(asked);
    stale -= 1;
    return ok({ status: 200, body: { metadata: { resourceVersion: "100" }, items: [] } });
  };
  hub.cursor = "";
  kubernetes.disconnect();
  kubernetes.put(path("m1"), { metadata: { name: "m1" }, spec: { online: true } });
  await clock.advance(10_000);
  expect(stale).toBe(0);
  expect(hub.listed).toEqual(["100", "102"]);
});

function told(): number {
  return hub.posted.filter((batch) => batch.kind === "watch" && batch.caughtUp === true).length;
}

test("a link that goes on tells that it has caught up a second after nothing came, and of events only when all are posted", async () => {
  await start();
  expect(told()).toBe(0);
  stop.abort();
  await clock.advance(0);
  kubernetes.put(path("m1"), { metadata: { name: "m1" } });
  await start();
  expect(hub.applied).toEqual(["ADDED m1@101"]);
  await clock.advance(999);
  expect(told()).toBe(0);
  await clock.advance(1);
  expect(told()).toBe(1);
  await clock.advance(60_000);
  expect(told()).toBe(1);
  kubernetes.bookmark("baremetalhosts");
  await clock.advance(0);
  expect(told()).toBe(2);
});

test("a link tells again that it has caught up when a new watch begins: the database may have gone back in time", async () => {
  await start();
  await clock.advance(1_000);
  expect(told()).toBe(1);
  kubernetes.disconnect();
  await clock.advance(3_000);
  expect(told()).toBe(2);
});

test("a link does not tell that it has caught up before the API server has said where it stands", async () => {
  await start();
  stop.abort();
  await clock.advance(0);
  kubernetes.refuse = () => "unreachable";
  await start();
  await clock.advance(30_000);
  expect(told()).toBe(0);
  kubernetes.refuse = () => undefined;
  await clock.advance(2_000);
  expect(told()).toBe(1);
});

test("a link tells again that it has caught up when the answer was lost", async () => {
  await start();
  stop.abort();
  await clock.advance(0);
  await start();
  hub.answersLost = 1;
  await clock.advance(1_000);
  expect(told()).toBe(1);
  await clock.advance(3_000);
  expect(told()).toBe(2);
});

test("a link of a busy cluster has caught up with where the server stood, though events never cease", async () => {
  await start();
  stop.abort();
  await clock.advance(0);
  await start();
  for (let count = 0; count < 5; count += 1) {
    kubernetes.put(path("m1"), { metadata: { name: "m1" }, spec: { count } });
    await clock.advance(400);
  }
  expect(told()).toBe(1);
});

test("a link tells that it has caught up where the control plane stands, which another process has told of more", async () => {
  await start();
  stop.abort();
  await clock.advance(0);
  hub.cursor = String(BigInt(hub.cursor) + 7n);
  await start();
  await clock.advance(1_000);
  expect(told()).toBe(2);
  expect(hub.posted.at(-1)).toMatchObject({ fromResourceVersion: hub.cursor, caughtUp: true });
  await clock.advance(60_000);
  expect(told()).toBe(2);
  expect(lists()).toBe(1);
});

test("a link that has caught up lists anew where the control plane has lost what it had taken in", async () => {
  kubernetes.put(path("m1"), { metadata: { name: "m1" } });
  await start();
  stop.abort();
  await clock.advance(0);
  await start();
  hub.cursor = "";
  await clock.advance(1_000);
  expect(lists()).toBe(2);
});

test("no list is taken before it was looked at what came of a write that was not answered", async () => {
  kubernetes.put(path("m1"), { metadata: { name: "m1", namespace: "horses" } });
  newest.sending({ resource: "baremetalhosts", path: path("m1") });
  kubernetes.refuse = (request) => (request.path === path("m1") ? 503 : undefined);
  await start();
  expect(hub.listed).toEqual([]);
  kubernetes.refuse = () => undefined;
  await clock.advance(1_000);
  expect(hub.listed).toEqual(["101"]);
  expect(newest.accepts("baremetalhosts", "100")).toBe(false);
  expect(newest.unanswered("baremetalhosts")).toEqual([]);
});
