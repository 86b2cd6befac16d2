// The agent as a whole, against a control plane that a test plays: what each delivery does, and what stops the start.
import { afterEach, beforeEach, expect, test } from "vitest";
import { fromBase64, toBase64 } from "../shared/bytes.ts";
import { conversionPlaceholder, convertedDefinitions } from "../shared/capm3/conversion/webhook.ts";
import { fromAgent, type FromAgent } from "../shared/protocol/frames.ts";
import type { HostDocument } from "../shared/protocol/host-document.ts";
import { sealingAad, type SealedSecret } from "../shared/protocol/facts/sealed-secret.ts";
import { err, ok } from "../shared/result.ts";
import { FakeKubernetes } from "../test/support/fake-kubernetes.ts";
import { makeDuplexPair, type DuplexPair } from "../test/support/memory-duplex.ts";
import { makeMemoryNetwork } from "../test/support/memory-network.ts";
import { makeSeededCrypto } from "../test/support/seeded-crypto.ts";
import { makeSimulatedSite, type SimulatedSite } from "../test/support/simulated-site.ts";
import { makeSimulatedTime, type SimulatedTime } from "../test/support/simulated-time.ts";
import { makeNodeCrypto } from "./adapters/node-crypto.ts";
import { runAgent, type AgentPorts } from "./agent.ts";
import type { AgentConfig } from "./config.ts";
import type { ServerOptions } from "./ports.ts";

const hubUrl = "http://hub.example";
const token = Buffer.from(JSON.stringify({ url: hubUrl, secret: "x".repeat(32) })).toString(
  "base64url",
);
const json = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

let time: SimulatedTime;
let clock: SimulatedTime["clock"];
let site: SimulatedSite;
let ports: AgentPorts;
let config: AgentConfig;
let lines: DuplexPair[];
let frames: FromAgent[];
let logged: string[];
let stop: AbortController;

beforeEach(async () => {
  time = makeSimulatedTime(Date.parse("2026-11-01T12:00:00Z"));
  ({ clock } = time);
  lines = [];
  frames = [];
  logged = [];
  stop = new AbortController();
  const say = (message: string, fields?: object) =>
    void logged.push(`${message} ${JSON.stringify(fields)}`);
  const network = makeMemoryNetwork((run) => void clock.timer(1, run));
  network.addWebServer(hubUrl, {
    http: {
      request: async () =>
        ok({
          status: 200,
          headers: {},
          body: (async function* answer() {
            yield ok(json({ agentId: "agent-1", state: "approved", site: "paddock" }));
          })(),
        }),
    },
    duplexes: {
      async connect() {
        const pair = makeDuplexPair();
        pair.server.onMessage((text) => frames.push(fromAgent.parse(JSON.parse(text))));
        lines.push(pair);
        return ok(pair.client);
      },
    },
  });
  site = await makeSimulatedSite({
    clock,
    network,
    crypto: (whose) => makeSeededCrypto(whose, time),
    log: { info: say, warn: say, error: say },
    hubUrl,
    enrolToken: `farrier-${token}`,
  });
  ({ ports, config } = site);
});
afterEach(() => stop.abort());

async function start(): Promise<void> {
  void runAgent(ports, config, stop.signal);
  await clock.advance(100);
  say({ type: "challenge", nonce: "n", version: 1 });
  await clock.advance(10);
  say({
    type: "welcome",
    epoch: 1,
    serverTimeMs: 1,
    site: "paddock",
    resync: "none",
    committedSeq: 0,
    leaseTtlMs: 20_000,
    sessionToken: "t".repeat(64),
    sites: [],
  });
  await clock.advance(10);
}
function say(frame: object): void {
  lines.at(-1)?.server.send(JSON.stringify(frame));
}
let count = 0;
async function deliver(delivery: object): Promise<unknown> {
  const id = String((count += 1));
  say({ type: "deliveries", epoch: 1, items: [{ id, delivery }] });
  await clock.advance(10);
  const ack = frames.findLast((frame) => frame.type === "ack");
  return ack?.type === "ack" ? { done: ack.done, failed: ack.failed, id } : undefined;
}
function document(revision: number, over: object = {}, hash = `h${revision}`): HostDocument {
  const hold = {
    paused: false,
    detached: false,
    externallyProvisioned: false,
    disablePowerOff: false,
  };
  return {
    hostUid: "u1",
    revision,
    hash,
    spec: {
      cluster: "stable",
      namespace: "horses",
      name: "m1",
      bmcAddress: "ipmi://172.22.0.11",
      bootMACAddress: "52:54:00:fa:00:01",
      bootMode: "UEFI",
      hold,
      allocation: "",
      ...over,
    },
  };
}
const operation = (over: object = {}) => ({
  kind: "operation",
  operation: {
    id: "u1.1",
    hostUid: "u1",
    revision: 1,
    attempt: 1,
    validForMs: 60_000,
    class: "observe",
    allocation: "",
    payload: { kind: "register" },
    ...over,
  },
});

test("an agent enrols, serves its site and opens its session", async () => {
  await start();
  expect(frames[0]).toMatchObject({
    type: "hello",
    agentId: "agent-1",
    capabilities: expect.arrayContaining(["provision"]),
  });
  expect(logged.join()).toContain("link open");
});

test("a document is stored before it is acknowledged; an older one is acknowledged and dropped", async () => {
  await start();
  expect(await deliver({ kind: "document", document: document(2) })).toMatchObject({
    done: [expect.any(String)],
  });
  expect(await deliver({ kind: "document", document: document(1) })).toMatchObject({ failed: [] });
  expect(ports.database.all("SELECT revision FROM documents")).toEqual([{ revision: 2 }]);
});

test("a document with another content under the same revision is refused", async () => {
  await start();
  await deliver({ kind: "document", document: document(2) });
  expect(await deliver({ kind: "document", document: document(2, {}, "other") })).toMatchObject({
    done: [],
    failed: [{ retry: false }],
  });
  expect(logged.join()).toContain("document refused");
});

test("an operation is journaled when it is acknowledged, and ends", async () => {
  await start();
  await deliver({ kind: "document", document: document(1) });
  expect(await deliver(operation())).toMatchObject({ failed: [] });
  await clock.advance(1_000);
  expect(ports.database.all("SELECT id, state FROM operations")).toEqual([
    { id: "u1.1", state: "finished" },
  ]);
  const bodies = frames.flatMap((frame) => (frame.type === "observations" ? frame.items : []));
  expect(bodies.map(({ body }) => body.kind)).toContain("operation-failed");
});

test("a write for an agent without a cluster is refused for good", async () => {
  await start();
  const write = { kind: "release-secret", namespace: "n", name: "m1", uid: "u1", secretName: "s" };
  expect(await deliver({ kind: "write", write })).toMatchObject({ failed: [{ retry: false }] });
});

/** As the cluster link seals them. */
async function credentials(bmcAddress: string): Promise<SealedSecret> {
  const [row] = ports.database.all("SELECT value FROM settings WHERE key = 'identity'");
  const stored = JSON.parse(String(row?.["value"])) as { sealingPublicKey: string };
  const context = {
    cluster: "stable",
    site: "paddock",
    hostUid: "u1",
    purpose: "bmc" as const,
    secretUid: "s1",
    secretVersion: "1",
    bmcAddress,
  };
  const plain = json({ username: "admin", password: "calvin" });
  const key = fromBase64(stored.sealingPublicKey)!;
  const sealed = await makeNodeCrypto().seal(key, plain, sealingAad(context));
  const { enc, ciphertext } = sealed;
  return {
    v: 1,
    keyFingerprint: "",
    enc: toBase64(enc),
    ciphertext: toBase64(ciphertext),
    context,
  };
}

async function inspect(revision: number): Promise<string | undefined> {
  const payload = { kind: "inspect", afterwards: "stay" };
  await deliver(
    operation({
      id: `u1.${revision}`,
      revision,
      class: "converge",
      validForMs: 3_600_000,
      payload,
    }),
  );
  for (let second = 0; second < 700 && ended(revision) === undefined; second += 1) {
    say({ type: "lease", epoch: 1, sequence: renewals() });
    await clock.advance(1_000);
  }
  return ended(revision);
}
function ended(revision: number): string | undefined {
  const items = frames.flatMap((frame) => (frame.type === "observations" ? frame.items : []));
  return items
    .map(({ body }) => body)
    .find(
      (body) =>
        (body.kind === "operation-succeeded" || body.kind === "operation-failed") &&
        body.operationId === `u1.${revision}`,
    )?.kind;
}
function renewals(): number {
  return frames.findLast((frame) => frame.type === "lease")?.sequence ?? 0;
}

test.each([
  ["another allocation", { allocation: "" }, "operation-succeeded", 1],
  ["another BMC", { bmcAddress: "ipmi://172.22.0.12" }, "operation-failed", 1],
  ["another boot MAC", { bootMACAddress: "52:54:00:fa:00:02" }, "operation-failed", 2],
])(
  "the ramdisk that runs is this host's only while BMC and boot MAC are: %s",
  async (_words, over, end, powerOns) => {
    await start();
    const bmc = { address: "172.22.0.11", port: 623, username: "admin", password: "calvin" };
    const { machine } = await site.addMachine(bmc, {
      macs: ["52:54:00:fa:00:01"],
      disks: [{ serialNumber: "D-1", sizeBytes: 64 * 1024 ** 2 }],
      serialNumber: "M-1",
      firmware: "UEFI",
    });
    const sealed = await credentials("ipmi://172.22.0.11");
    await deliver({ kind: "document", document: document(1, { credentials: sealed }) });
    expect(await inspect(1)).toBe("operation-succeeded");
    expect(machine.running).toBe("ramdisk");
    const changed = { credentials: sealed, ...over };
    if ("bmcAddress" in over) changed.credentials = await credentials(over.bmcAddress);
    await deliver({ kind: "document", document: document(2, changed) });
    expect(await inspect(2)).toBe(end);
    expect(machine.events.filter(({ kind }) => kind === "power-on")).toHaveLength(powerOns);
  },
);

test("a host that leaves the site is forgotten; an old removal does nothing", async () => {
  await start();
  await deliver({ kind: "document", document: document(5) });
  await deliver({ kind: "remove-document", hostUid: "u1", revision: 4 });
  expect(ports.database.all("SELECT spec IS NULL AS gone FROM documents")).toEqual([{ gone: 0 }]);
  await deliver({ kind: "remove-document", hostUid: "u1", revision: 6 });
  expect(ports.database.all("SELECT spec IS NULL AS gone FROM documents")).toEqual([{ gone: 1 }]);
});

test("the CA of the configuration is used instead of the one of the enrolment", async () => {
  await ports.files.writeFile("/etc/farrier/ca.pem", new TextEncoder().encode("a newer CA"));
  const asked: (string | undefined)[] = [];
  const { duplex } = ports;
  ports = {
    ...ports,
    duplex: {
      connect(request) {
        asked.push(request.ca);
        return duplex.connect(request);
      },
    },
  };
  config = { ...config, hub: { ...config.hub, caFile: "/etc/farrier/ca.pem" } };
  await start();
  expect(asked).toEqual(["a newer CA"]);
});

test("a CA file that cannot be read stops the start", async () => {
  const ended = await runAgent(
    ports,
    { ...config, hub: { url: hubUrl, caFile: "/none.pem" } },
    stop.signal,
  );
  expect(ended).toMatchObject({
    ok: false,
    error: { message: expect.stringContaining("hub.caFile /none.pem cannot be read") },
  });
});

test("a boot file that is missing stops the start by its name", async () => {
  await ports.files.remove(config.site!.kernel);
  const ended = await clock.until(runAgent(ports, config, stop.signal));
  expect(ended).toMatchObject({
    ok: false,
    error: { message: expect.stringContaining("vmlinuz") },
  });
});

test("older versions are converted though nobody answers for the hub", async () => {
  const { files } = ports;
  const host = "192.0.2.30";
  for (const end of ["key", "crt"]) {
    const pem = await files.readFile(`${config.stateDirectory}/ramdisk.${end}`);
    if (!pem.ok) throw new Error(pem.error.message);
    await files.writeFile(`${config.stateDirectory}/conversion-${host}.${end}`, pem.value);
  }
  const kubernetes = new FakeKubernetes();
  const [name = ""] = convertedDefinitions;
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
  const webhook = { clientConfig: { url: conversionPlaceholder } };
  kubernetes.put(path, { metadata: { name }, spec: { conversion: { webhook } } });
  const http = { request: async () => err("unreachable", "the hub is away") };
  const conversion = { host, port: 9443, address: "0.0.0.0" };
  const asked: ServerOptions[] = [];
  const server = {
    listen: (options: ServerOptions) => {
      asked.push(options);
      return ports.server.listen(options);
    },
  };
  void runAgent(
    { ...ports, http, kubernetes, server },
    { ...config, cluster: { conversion } },
    stop.signal,
  );
  await clock.advance(100);
  expect(lines).toEqual([]);
  expect(kubernetes.objects.get(path)).toMatchObject({
    spec: { conversion: { webhook: { clientConfig: { url: `https://${host}:9443/convert` } } } },
  });
  const answer = await asked[0]?.handle({
    method: "POST",
    path: "/convert",
    headers: {},
    remote: { address: host, port: 1 },
    body: json({}),
  });
  expect(answer?.status).toBe(400);
  expect(asked.map(({ port }) => port)).toEqual([9443]);
});
