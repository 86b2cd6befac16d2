// Secret facts: what is posted, when, and to whom it is sealed, against a Kubernetes in memory and real ciphers.
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { makeSimulatedTime } from "../../../test/support/simulated-time.ts";
import { fromBase64, toBase64, toHex } from "../../../shared/bytes.ts";
import type { FeedObject, SecretsBody } from "../../../shared/protocol/feed.ts";
import type { SiteKey } from "../../../shared/protocol/frames.ts";
import { sealingAad } from "../../../shared/protocol/facts/sealed-secret.ts";
import type { SecretFact } from "../../../shared/protocol/facts/secret-fact.ts";
import { err, ok } from "../../../shared/result.ts";
import { FakeKubernetes } from "../../../test/support/fake-kubernetes.ts";
import { makeNodeCrypto } from "../../adapters/node-crypto.ts";
import { openNodeDatabase } from "../../adapters/node-database.ts";
import { prepareDatabase } from "../../link/database.ts";
import type { Crypto, KeyPair } from "../../ports.ts";
import { makeFollowedHosts, type FollowedHosts } from "../followed-hosts.ts";
import { makePostedFacts, type PostedFacts } from "./posted-facts.ts";
import { followSecrets, type FollowedSecrets } from "./follow-secrets.ts";
import { makeSecretVersions, type SecretVersions } from "./secret-versions.ts";

const real = makeNodeCrypto();
const pins = "/api/v1/namespaces/farrier-system/configmaps/farrier-site-keys";
const paddock = real.makeSealingKeys();

function keyOf(site: string, keys: KeyPair = paddock): SiteKey {
  return { site, publicKey: toBase64(keys.publicKey), fingerprint: fingerprintOf(keys) };
}
function fingerprintOf({ publicKey }: KeyPair): string {
  const hash = real.hash("sha256");
  hash.update(publicKey);
  return toHex(hash.digest());
}

let time: ReturnType<typeof makeSimulatedTime>;
let kubernetes: FakeKubernetes;
let hosts: FollowedHosts;
let posted: PostedFacts;
let versions: SecretVersions;
let sites: SiteKey[];
let batches: SecretFact[][];
let reachable: boolean;
/** What is posted arrives, and its answer does not. */
let losesAnswers: boolean;
/** The control plane does not know these (yet). */
let unknownHosts: ReadonlySet<string>;
/** Once what is posted has arrived, and before its answer. */
let beforeAnswer: () => void;
let stop: AbortController;
let follower: FollowedSecrets | undefined;
let database: ReturnType<typeof openNodeDatabase>;
const logged: string[] = [];

beforeEach(() => {
  time = makeSimulatedTime(1_000_000);
  kubernetes = new FakeKubernetes();
  database = openNodeDatabase(":memory:");
  prepareDatabase(database);
  hosts = makeFollowedHosts(database);
  posted = makePostedFacts(database, real);
  versions = makeSecretVersions(database);
  sites = [keyOf("paddock")];
  batches = [];
  reachable = true;
  losesAnswers = false;
  unknownHosts = new Set();
  beforeAnswer = () => {};
  stop = new AbortController();
  addHost("m1");
});
afterEach(() => stop.abort());

function addHost(name: string, spec: object = {}, metadata: object = {}): void {
  const object: FeedObject = {
    metadata: { name, namespace: "horses", uid: `uid-${name}`, resourceVersion: "1", ...metadata },
    spec: { bmc: { address: "ipmi://192.0.2.10", credentialsName: `${name}-bmc` }, ...spec },
  };
  hosts.changed("baremetalhosts", [object], []);
}

function putSecret(name: string, data: Record<string, string>, namespace = "horses"): void {
  kubernetes.put(`/api/v1/namespaces/${namespace}/secrets/${name}`, {
    metadata: { name, namespace, uid: `uid-${name}` },
    data: Object.fromEntries(
      Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")]),
    ),
  });
}
const credentials = { username: "admin", password: "calvin" };

async function start(): Promise<void> {
  stop = new AbortController();
  const say = (message: string, fields?: object) =>
    void logged.push(`${message} ${JSON.stringify(fields)}`);
  const crypto: Crypto = { ...real, seal: (...args) => time.real(() => real.seal(...args)) };
  follower = followSecrets(
    {
      api: kubernetes,
      hub: {
        async postSecrets({ facts }: SecretsBody) {
          if (!reachable) return err("unreachable", "the line is cut");
          batches.push(facts);
          beforeAnswer();
          const hosts = facts.map(({ hostUid }) => hostUid).filter((uid) => !unknownHosts.has(uid));
          return losesAnswers ? err("unreachable", "no answer") : ok(hosts);
        },
      },
      hosts,
      posted,
      versions,
      crypto,
      clock: time.clock,
      log: { info: say, warn: say, error: say },
      cluster: "stable",
      sites: () => sites,
    },
    stop.signal,
  );
  await time.clock.advance(100);
}

const facts = (): SecretFact[] => batches.flat();
const newest = (): SecretFact => facts().at(-1)!;

async function opened(fact: SecretFact, keys = paddock): Promise<unknown> {
  const { sealed } = fact;
  if (sealed === undefined) throw new Error(`not sealed: ${fact.problem}`);
  const parts = { enc: fromBase64(sealed.enc)!, ciphertext: fromBase64(sealed.ciphertext)! };
  const plain = await real.open(keys.privateKey, parts, sealingAad(sealed.context));
  return plain.ok ? new TextDecoder().decode(plain.value) : plain.error.kind;
}

test("a fact that was posted without an answer and is as before again is posted once more", async () => {
  putSecret("m1-bmc", credentials);
  await start();
  sites = [];
  losesAnswers = true;
  follower?.lookAgain();
  await time.clock.advance(100);
  expect(newest().sealed).toBeUndefined();
  sites = [keyOf("paddock")];
  losesAnswers = false;
  follower?.lookAgain();
  await time.clock.advance(10_000);
  expect(newest().sealed).toBeDefined();
});

describe("a Secret", () => {
  test("that is not there is told as missing, and looked for until it comes", async () => {
    await start();
    const { digest: _digest, ...fact } = newest();
    expect(fact).toEqual({ hostUid: "uid-m1", purpose: "bmc", name: "m1-bmc", found: false });
    putSecret("m1-bmc", credentials);
    await time.clock.advance(5_200);
    expect(newest()).toMatchObject({ found: true, uid: "uid-m1-bmc" });
    expect(facts()).toHaveLength(2);
  });

  test.each([
    [{}, "it has no keys"],
    [{ username: "admin" }, 'needs a value under the key "password"; it has the keys username'],
    [{ username: " ", password: "x" }, 'needs a value under the key "username"'],
    [{ user: "admin", pass: "hunter2" }, "it has the keys pass, user"],
  ])("with the wrong keys is told by the names of its keys: %j", async (data, words) => {
    putSecret("m1-bmc", data);
    await start();
    expect(newest()).toMatchObject({ found: true, problem: expect.stringContaining(words) });
    expect(newest().sealed).toBeUndefined();
    expect(JSON.stringify(batches)).not.toContain("hunter2");
  });

  test("is sealed to the site's key, bound to host, purpose, version and BMC address", async () => {
    putSecret("m1-bmc", credentials);
    await start();
    const sealed = newest().sealed!;
    expect(sealed).toMatchObject({
      keyFingerprint: fingerprintOf(paddock),
      context: {
        cluster: "stable",
        site: "paddock",
        hostUid: "uid-m1",
        purpose: "bmc",
        secretUid: "uid-m1-bmc",
        bmcAddress: "ipmi://192.0.2.10",
      },
    });
    expect(await opened(newest())).toBe(JSON.stringify(credentials));
    for (const over of [
      { hostUid: "uid-m2" },
      { purpose: "userData" },
      { bmcAddress: "ipmi://evil" },
    ]) {
      const context = { ...sealed.context, ...over } as typeof sealed.context;
      expect(await opened({ ...newest(), sealed: { ...sealed, context } })).toBe("sealed");
    }
    expect(JSON.stringify(batches)).not.toContain("calvin");
  });

  test("that changes is sealed anew, at once when it is labelled", async () => {
    putSecret("m1-bmc", credentials);
    await start();
    const before = newest().resourceVersion;
    putSecret("m1-bmc", { ...credentials, password: "hobbes" });
    await time.clock.advance(200);
    expect(newest().resourceVersion).not.toBe(before);
    expect(await opened(newest())).toContain("hobbes");
  });

  test("that has not changed is not posted again, not even by a new session", async () => {
    putSecret("m1-bmc", credentials);
    await start();
    await time.clock.advance(300_000);
    stop.abort();
    await start();
    await time.clock.advance(300_000);
    expect(facts()).toHaveLength(1);
  });

  test("of another namespace is never read", async () => {
    const spec = { userData: { name: "crown-jewels", namespace: "royal" } };
    putSecret("crown-jewels", { userData: "hunter2" }, "royal");
    addHost("m1", spec);
    await start();
    await time.clock.advance(120_000);
    const read = kubernetes.requests.filter(({ path }) => path.includes("/secrets/"));
    expect(read.every(({ path }) => path.includes("/namespaces/horses/"))).toBe(true);
    expect(facts().map(({ purpose }) => purpose)).toEqual(["bmc"]);
  });

  test("that a host does not name any more is told as such, once", async () => {
    putSecret("user", { userData: "#cloud-config" });
    addHost("m1", { userData: { name: "user" } });
    await start();
    addHost("m1");
    await time.clock.advance(120_000);
    const told = facts().filter(({ purpose }) => purpose === "userData");
    expect(told).toMatchObject([
      { name: "user", found: true },
      { name: "", found: false },
    ]);
  });

  test("of user data is sealed as it is, under its own key or value", async () => {
    putSecret("user", { value: "#cloud-config\n" });
    addHost("m1", { userData: { name: "user" } });
    await start();
    const fact = facts().find(({ purpose }) => purpose === "userData")!;
    expect(fact.sealed?.context).toMatchObject({ purpose: "userData", bmcAddress: "" });
    expect(await opened(fact)).toBe("#cloud-config\n");
  });
});

describe("what Kubernetes answers", () => {
  test.each([500, 503, 429, "unreachable"] as const)(
    "%s says nothing about the Secret",
    async (answer) => {
      putSecret("m1-bmc", credentials);
      kubernetes.refuse = ({ path }) => (path.includes("/secrets/") ? answer : undefined);
      await start();
      await time.clock.advance(30_000);
      expect(facts()).toEqual([]);
      kubernetes.refuse = () => undefined;
      await time.clock.advance(5_200);
      expect(newest()).toMatchObject({ found: true });
    },
  );

  test("forbidden is told with the way out", async () => {
    kubernetes.refuse = ({ path }) => (path.includes("/secrets/") ? 403 : undefined);
    await start();
    expect(newest()).toMatchObject({ problem: expect.stringContaining("RBAC") });
  });
});

describe("the site's key", () => {
  beforeEach(() => putSecret("m1-bmc", credentials));

  test("is pinned at its first use", async () => {
    await start();
    expect(kubernetes.objects.get(pins)).toMatchObject({
      data: { paddock: fingerprintOf(paddock) },
    });
  });

  test("that the control plane changes is refused until a person removes the pin", async () => {
    await start();
    const theirs = real.makeSealingKeys();
    sites = [keyOf("paddock", theirs)];
    follower?.lookAgain();
    await time.clock.advance(200);
    expect(newest().sealed).toBeUndefined();
    expect(newest().problem).toContain('another sealing key for site "paddock"');
    expect(newest().problem).toContain("remove");
    kubernetes.put(pins, { metadata: { name: "farrier-site-keys" }, data: {} });
    await time.clock.advance(5_200);
    expect(await opened(newest(), theirs)).toContain("calvin");
  });

  test("is not believed by the fingerprint that comes with it", async () => {
    await start();
    const theirs = real.makeSealingKeys();
    sites = [{ ...keyOf("paddock", theirs), fingerprint: fingerprintOf(paddock) }];
    follower?.lookAgain();
    await time.clock.advance(200);
    expect(newest().sealed).toBeUndefined();
  });

  test("of another site that is suddenly the only one is refused", async () => {
    await start();
    sites = [keyOf("elsewhere", real.makeSealingKeys())];
    follower?.lookAgain();
    await time.clock.advance(200);
    expect(newest().sealed).toBeUndefined();
    expect(newest().problem).toContain('another only site, "elsewhere"');
  });

  test("of a site that the host names in Kubernetes is pinned beside the others", async () => {
    const theirs = real.makeSealingKeys();
    await start();
    sites = [keyOf("paddock"), keyOf("elsewhere", theirs)];
    addHost("m1", {}, { labels: { "farrier.dev/site": "elsewhere" } });
    await time.clock.advance(200);
    expect(await opened(newest(), theirs)).toContain("calvin");
    expect(kubernetes.objects.get(pins)?.["data"]).toEqual({
      paddock: fingerprintOf(paddock),
      elsewhere: fingerprintOf(theirs),
    });
  });

  test("is chosen by the namespace's annotation, too", async () => {
    sites = [keyOf("a", real.makeSealingKeys()), keyOf("paddock")];
    const annotations = { "farrier.dev/site": "paddock" };
    const metadata = { name: "horses", uid: "ns", resourceVersion: "1", annotations };
    hosts.changed("namespaces", [{ metadata }], []);
    await start();
    expect(await opened(newest())).toContain("calvin");
  });

  test("that nobody can choose leaves the fact without a sealed text", async () => {
    sites = [];
    await start();
    expect(newest()).toMatchObject({ found: true });
    expect(newest().sealed).toBeUndefined();
    sites = [keyOf("paddock")];
    follower?.lookAgain();
    await time.clock.advance(200);
    expect(await opened(newest())).toContain("calvin");
  });

  test("cannot be pinned over a pin that a person has just written", async () => {
    kubernetes.put(pins, { metadata: { name: "farrier-site-keys" }, data: {} });
    let raced = false;
    kubernetes.refuse = ({ method, path }) => {
      if (method !== "PATCH" || path !== pins || raced) return undefined;
      raced = true;
      kubernetes.put(pins, {
        metadata: { name: "farrier-site-keys" },
        data: { paddock: "theirs" },
      });
      return undefined;
    };
    await start();
    await time.clock.advance(10_000);
    expect(newest().problem).toContain("another sealing key");
    expect(kubernetes.objects.get(pins)?.["data"]).toEqual({ paddock: "theirs" });
  });

  test("that may not be pinned seals nothing, and the way out is told", async () => {
    kubernetes.refuse = ({ path }) => (path.includes("configmaps") ? 403 : undefined);
    await start();
    expect(newest().sealed).toBeUndefined();
    expect(newest().problem).toContain("apply Farrier's RBAC manifests");
  });
});

describe("the control plane", () => {
  beforeEach(() => putSecret("m1-bmc", credentials));

  test("gets what it could not be told, when it is back", async () => {
    reachable = false;
    await start();
    await time.clock.advance(30_000);
    reachable = true;
    await time.clock.advance(5_200);
    expect(newest()).toMatchObject({ found: true });
    expect(facts()).toHaveLength(1);
  });

  test("that has forgotten everything is told everything again", async () => {
    await start();
    posted.forgetAll();
    follower?.lookAgain();
    await time.clock.advance(200);
    expect(facts()).toHaveLength(2);
  });

  test("forgot them while it was told is told again", async () => {
    beforeAnswer = () => {
      posted.forgetAll();
      beforeAnswer = () => {};
    };
    await start();
    follower?.lookAgain();
    await time.clock.advance(200);
    expect(facts()).toHaveLength(2);
  });

  test("that did not know the host is told again once it does", async () => {
    unknownHosts = new Set(["uid-m1"]);
    await start();
    const before = facts().length;
    expect(posted.all()).toEqual([]);
    unknownHosts = new Set();
    await time.clock.advance(60_200);
    expect(facts()).toHaveLength(before + 1);
    const [{ hostUid, purpose, digest }] = facts().slice(-1) as [SecretFact];
    expect(posted.all()).toEqual([{ hostUid, purpose, digest }]);
  });

  test("gets large Secrets a few at a time", async () => {
    for (let at = 0; at < 10; at += 1) {
      putSecret(`u${at}`, { userData: "x".repeat(900_000) });
      addHost(`n${at}`, { userData: { name: `u${at}` } });
    }
    await start();
    await time.clock.advance(1_000);
    const sizes = batches.map((batch) => JSON.stringify(batch).length);
    expect(facts().filter(({ purpose }) => purpose === "userData")).toHaveLength(10);
    expect(Math.max(...sizes)).toBeLessThan(10 * 1024 * 1024);
  }, 30_000);
});

describe("quiet hosts", () => {
  const looksIn = async (ms: number): Promise<number> => {
    kubernetes.requests.length = 0;
    await time.clock.advance(ms);
    return kubernetes.requests.filter(({ path }) => path.includes("/secrets/")).length;
  };

  test("cost a look a minute and no more while no watch shows their Secrets", async () => {
    kubernetes.oldestVersion = Infinity;
    putSecret("m1-bmc", credentials);
    await start();
    const looks = await looksIn(300_000);
    expect(looks).toBeGreaterThanOrEqual(4);
    expect(looks).toBeLessThanOrEqual(6);
  });

  test("cost one in five minutes while one does, and none when it begins anew", async () => {
    putSecret("m1-bmc", credentials);
    await start();
    expect(await looksIn(240_000)).toBe(0);
    kubernetes.disconnect();
    expect(await looksIn(30_000)).toBe(0);
    expect(await looksIn(60_000)).toBe(1);
  });

  test("that get another Secret have only that read, unless their site or their address is another", async () => {
    putSecret("m1-bmc", credentials);
    putSecret("m1-user", { userData: "#cloud-config" });
    await start();
    addHost("m1", { userData: { name: "m1-user" } });
    expect(await looksIn(200)).toBe(1);
    expect(facts().map(({ purpose }) => purpose)).toEqual(["bmc", "userData"]);
    addHost("m1", { bmc: { address: "ipmi://192.0.2.11", credentialsName: "m1-bmc" } });
    expect(await looksIn(200)).toBe(1);
    expect(newest()).toMatchObject({ purpose: "userData", name: "" });
    expect(facts().at(-2)?.sealed?.context.bmcAddress).toBe("ipmi://192.0.2.11");
    sites = [keyOf("paddock", real.makeSealingKeys())];
    follower?.lookAgain();
    expect(await looksIn(200)).toBe(1);
  });
});

test("of many hosts at once the pins are read once more after they are written, and each batch is noted at once", async () => {
  const names = ["m1", "m2", "m3", "m4"];
  for (const name of names) addHost(name);
  for (const name of names) putSecret(`${name}-bmc`, credentials);
  const noted = vi.spyOn(database, "transaction");
  await start();
  expect(facts()).toHaveLength(names.length);
  const reads = kubernetes.requests.filter(({ method, path }) => method === "GET" && path === pins);
  expect(reads).toHaveLength(2);
  // That they are posted, and that they are stored.
  expect(noted).toHaveBeenCalledTimes(2 * batches.length);
});

test("a Secret that got another label from us is not told again, and one that anybody changed is", async () => {
  const path = "/api/v1/namespaces/horses/secrets/m1-bmc";
  const version = () => kubernetes.objects.get(path)?.metadata.resourceVersion ?? "";
  putSecret("m1-bmc", credentials);
  await start();
  const from = version();
  const look = async () => {
    follower?.lookAgain();
    await time.clock.advance(6_000);
    return facts().map(({ resourceVersion }) => resourceVersion);
  };
  putSecret("m1-bmc", credentials);
  versions.relabelled({ uid: "uid-m1-bmc", from, to: version() });
  expect(await look()).toEqual([from]);
  putSecret("m1-bmc", credentials);
  expect(await look()).toEqual([from, version()]);
});

test("of a Secret that is gone no version is remembered", async () => {
  putSecret("m1-bmc", credentials);
  await start();
  versions.relabelled({ uid: "uid-m1-bmc", from: "1", to: "2" });
  kubernetes.remove("/api/v1/namespaces/horses/secrets/m1-bmc");
  await time.clock.advance(100);
  expect(versions.contentOf("uid-m1-bmc", "2")).toBe("2");
});

test("a host that is gone leaves nothing behind", async () => {
  putSecret("m1-bmc", credentials);
  await start();
  hosts.changed("baremetalhosts", [], ["uid-m1"]);
  await time.clock.advance(6_000);
  expect(database.all("SELECT * FROM posted_facts")).toEqual([]);
});

test("nothing of a Secret's content is kept or logged", async () => {
  putSecret("m1-bmc", { username: "admin", password: "planted-password" });
  putSecret("user", { userData: "planted-user-data" });
  addHost("m1", { userData: { name: "user" } });
  await start();
  const tables = ["followed", "posted_facts", "settings"].map((table) =>
    database.all(`SELECT * FROM ${table}`),
  );
  expect(JSON.stringify([tables, logged, batches])).not.toMatch(/planted|cGxhbnRlZ/);
});
