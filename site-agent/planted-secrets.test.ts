// Secrets appear nowhere but where they belong. A whole run from `kubectl apply` to a booted machine and two runs that
// fail, in one process and virtual time: real control plane, real agent, real ramdisk program. Planted words are
// looked for in every place that somebody else could read: logs, databases, files, argv, URLs, frames, Kubernetes.
import { createHash } from "node:crypto";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sql } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { compose } from "../control-plane/compose.ts";
import type { Database } from "../control-plane/store/database.ts";
import { overDatabase } from "../control-plane/store/make-store.ts";
import { ok } from "../shared/result.ts";
import { startTestPglite } from "../test/support/control-plane/test-database.ts";
import type { FakeDisk } from "../test/support/fake-disk.ts";
import { FakeKubernetes } from "../test/support/fake-kubernetes.ts";
import { makeGptImage } from "../test/support/gpt-image.ts";
import { upgradeInMemory, webServerOf } from "../test/support/memory-hub.ts";
import { makeMemoryImageServer } from "../test/support/memory-image-server.ts";
import { makeMemoryNetwork, type WebServer } from "../test/support/memory-network.ts";
import { makeSeededControlPlaneCrypto, makeSeededCrypto } from "../test/support/seeded-crypto.ts";
import { makeSimulatedSite } from "../test/support/simulated-site.ts";
import { makeSimulatedTime } from "../test/support/simulated-time.ts";
import { openNodeDatabase } from "./adapters/node-database.ts";
import { runAgent, type AgentPorts } from "./agent.ts";
import type { Files, Log, OpenFile, Programs } from "./ports.ts";

const planted = {
  password: "Pl4nted-p@ss",
  wrongPassword: "Pl4nted-wr0ng",
  userData: "planted-user-data-7f3c",
  networkData: "planted-network-data-91ab",
  brokenData: "planted-broken-data-55de",
} as const;

const hubUrl = "http://hub.example";
const images = "http://images.example";
const adminToken = "the admin's token of this test";
const namespace = "horses";

/** Everything that somebody else could read, by where it was. */
const sinks = new Map<string, string[]>();
function note(where: string, ...what: unknown[]): void {
  const texts = what.map((each) =>
    each instanceof Uint8Array ? Buffer.from(each).toString("latin1") : JSON.stringify(each),
  );
  sinks.set(where, [...(sinks.get(where) ?? []), ...texts]);
}
function logTo(where: string): Log {
  const say = (message: string, fields?: object) => note(where, [message, fields]);
  return { info: say, warn: say, error: say };
}

/** The ways in which a word may be written down. */
function spellings(word: string): string[] {
  const bytes = Buffer.from(word);
  // The middle of the word's base64, whatever stands before and after it.
  const base64 = [0, 1, 2].map((shift) =>
    Buffer.concat([Buffer.alloc(shift), bytes])
      .toString("base64")
      .slice(4, -4),
  );
  return [word, bytes.toString("hex"), encodeURIComponent(word), ...base64];
}
function found(word: string): string[] {
  const looked = spellings(word);
  return [...sinks].flatMap(([where, texts]) => {
    const text = texts.find((each) => looked.some((spelling) => each.includes(spelling)));
    return text === undefined ? [] : [`${where}: ${text.slice(0, 200)}`];
  });
}

function watchedFiles(files: Files): Files {
  const watched = (path: string, file: OpenFile): OpenFile => ({
    ...file,
    sizeBytes: file.sizeBytes,
    write(offset, data) {
      note(`file ${path}`, data);
      return file.write(offset, data);
    },
  });
  return {
    ...files,
    writeFile(path, data, options) {
      note(`file ${path}`, data);
      return files.writeFile(path, data, options);
    },
    async open(path, mode) {
      const opened = await files.open(path, mode);
      return opened.ok ? ok(watched(path, opened.value)) : opened;
    },
  };
}

/** openssl, which makes the ramdisks' certificate: here it puts back the one that the site came with. */
async function watchedPrograms(files: Files): Promise<Programs> {
  const stored = new Map<string, Uint8Array>();
  for (const name of ["ramdisk.key", "ramdisk.crt"]) {
    const path = `/var/lib/farrier/${name}`;
    const file = await files.readFile(path);
    if (!file.ok) throw new Error(file.error.message);
    stored.set(path, file.value);
    await files.remove(path);
  }
  return {
    async run(argv, options) {
      note("argv", argv, options?.input ?? "");
      for (const [path, content] of stored) await files.writeFile(path, content);
      return ok({ code: 0, stdout: "", stderr: "" });
    },
  };
}

/** The enrolment's body holds its token, which belongs there; nothing else does. */
function watchedHub(server: WebServer): WebServer {
  return {
    http: {
      async request(request) {
        note("URLs", request.url);
        note("requests to the control plane", request.body ?? new Uint8Array());
        return await server.http.request(request);
      },
    },
    duplexes: {
      async connect(request) {
        note("URLs", request.url, request.headers ?? {});
        const opened = await server.duplexes!.connect(request);
        if (!opened.ok) return opened;
        const duplex = opened.value;
        return ok({
          ...duplex,
          send(text) {
            note("frames to the control plane", text);
            return duplex.send(text);
          },
          onMessage: (handle) =>
            duplex.onMessage((text) => {
              note("frames from the control plane", text);
              handle(text);
            }),
        });
      },
    },
  };
}

async function dumpHub(database: Database): Promise<void> {
  const tables = (await database.rows(
    sql`SELECT table_name AS name FROM information_schema.tables WHERE table_schema = 'public'`,
  )) as { name: string }[];
  expect(tables.length).toBeGreaterThan(8);
  for (const { name } of tables) {
    const rows = await database.rows(sql`SELECT to_jsonb(t) AS row FROM ${sql.identifier(name)} t`);
    note(`the control plane's table ${name}`, ...rows);
  }
}

let directory = "";
let disk: FakeDisk;
let logins = 0;
let enrolSecret = "";
const statuses = new Map<string, string>();

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "farrier-secrets-"));
  const tables = await startTestPglite();
  const time = makeSimulatedTime(Date.parse("2026-11-01T12:00:00Z"));
  const { clock } = time;
  const plane = await clock.until(
    compose({
      ...overDatabase(tables.database, clock),
      clock,
      crypto: makeSeededControlPlaneCrypto("control plane"),
      log: logTo("the control plane's log"),
      upgradeWebSocket: upgradeInMemory,
      instance: "a",
      origins: [hubUrl],
      adminToken,
    }),
  );
  const ask = async (path: string, body: object) => {
    const headers = { authorization: `Bearer ${adminToken}`, "content-type": "application/json" };
    const request = { method: "POST", headers, body: JSON.stringify(body) };
    const answer = await clock.until(
      Promise.resolve(plane.app.request(`/admin/v1/${path}`, request)),
    );
    return (await answer.json()) as Record<string, string>;
  };
  await ask("clusters", { name: "stable" });
  await ask("sites", { name: "paddock" });
  enrolSecret = (await ask("tokens", { site: "paddock", cluster: "stable", approve: true }))[
    "secret"
  ]!;
  const token = Buffer.from(JSON.stringify({ url: hubUrl, secret: enrolSecret }));

  const image = makeGptImage();
  const network = makeMemoryNetwork((run) => void clock.timer(1, run));
  network.addWebServer(
    hubUrl,
    watchedHub(webServerOf(plane.app, (run) => void clock.timer(1, run))),
  );
  const imageServer = makeMemoryImageServer(() => image);
  network.addWebServer(images, imageServer);

  const kubernetes = new FakeKubernetes();
  kubernetes.put(`/api/v1/namespaces/${namespace}`, {
    metadata: { name: namespace, uid: "a-namespace" },
  });
  const site = await makeSimulatedSite({
    clock,
    network,
    crypto: (whose) => makeSeededCrypto(whose, time),
    log: logTo("the agent's log"),
    hubUrl,
    enrolToken: `farrier-${token.toString("base64url")}`,
    kubernetes,
  });
  const database = openNodeDatabase(join(directory, "agent.sqlite"));
  const ports: AgentPorts = {
    ...site.ports,
    database,
    files: watchedFiles(site.ports.files),
    programs: await watchedPrograms(site.ports.files),
  };

  const putSecret = (name: string, data: Record<string, string>) =>
    kubernetes.put(`/api/v1/namespaces/${namespace}/secrets/${name}`, {
      metadata: { name, namespace },
      data: Object.fromEntries(
        Object.entries(data).map(([key, text]) => [key, Buffer.from(text).toString("base64")]),
      ),
    });
  const hostPath = (name: string) =>
    `/apis/metal3.io/v1alpha1/namespaces/${namespace}/baremetalhosts/${name}`;
  const addHost = async (name: string, at: number, spec: object) => {
    const mac = `52:54:00:fa:00:0${at}`;
    const machine = await site.addMachine(
      { address: `172.22.0.1${at}`, port: 623, username: "admin", password: planted.password },
      {
        macs: [mac],
        disks: [{ serialNumber: `D-${at}`, sizeBytes: 20 * 1024 ** 3 }],
        serialNumber: `M-${at}`,
        systemUuid: `fa221e20-0000-4000-8000-00000000000${at}`,
        firmware: "UEFI",
        console: logTo("a ramdisk's console"),
      },
    );
    kubernetes.put(hostPath(name), {
      apiVersion: "metal3.io/v1alpha1",
      kind: "BareMetalHost",
      metadata: { name, namespace, generation: 1 },
      spec: {
        online: true,
        bootMACAddress: mac,
        bmc: { address: `ipmi://172.22.0.1${at}`, credentialsName: `${name}-bmc` },
        image: {
          url: `${images}/debian.img`,
          checksum: createHash("sha256").update(image).digest("hex"),
          checksumType: "sha256",
        },
        ...spec,
      },
    });
    return machine;
  };
  const right = { username: "admin", password: planted.password };
  putSecret("good-bmc", right);
  putSecret("locked-bmc", { ...right, password: planted.wrongPassword });
  putSecret("broken-bmc", right);
  putSecret("good-user", { userData: `#cloud-config\n# ${planted.userData}\n` });
  putSecret("good-network", { networkData: `links: []\n${planted.networkData}: true\n` });
  putSecret("broken-network", { networkData: `links: [\n  ${planted.brokenData}: {` });

  const ending = new AbortController();
  const agent = runAgent(ports, site.config, ending.signal);
  await clock.advance(5_000);
  const reference = (name: string) => ({ name });
  const good = await addHost("good", 1, {
    userData: reference("good-user"),
    networkData: reference("good-network"),
  });
  await addHost("locked", 2, {});
  await addHost("broken", 3, { networkData: reference("broken-network") });
  const messageOf = (name: string): string => {
    const status = kubernetes.objects.get(hostPath(name))?.["status"] as
      | { errorMessage?: string; provisioning?: { state?: string } }
      | undefined;
    return `${status?.provisioning?.state}: ${status?.errorMessage}`;
  };
  const isDone = () =>
    messageOf("good").startsWith("provisioned") &&
    messageOf("locked").includes("does not accept") &&
    messageOf("broken").includes("networkData");
  for (let seconds = 0; seconds < 1_200 && !isDone(); seconds += 5) await clock.advance(5_000);
  for (const name of ["good", "locked", "broken"]) statuses.set(name, messageOf(name));

  disk = good.machine.disks.get("sda")!;
  logins = good.bmc.record.logins.length;
  for (const { method, path, body } of kubernetes.requests) {
    if (method !== "GET") note("writes to Kubernetes", path, body ?? null);
  }
  for (const request of imageServer.requests) note("URLs", request.url, request.headers ?? {});
  await dumpHub(tables.database);
  ending.abort();
  await clock.until(agent);
  database.close();
  for (const file of await readdir(directory)) {
    note(`the agent's ${file}`, await readFile(join(directory, file)));
  }
  await clock.until(plane.stop());
  await tables.stop();
}, 120_000);
afterAll(async () => await rm(directory, { recursive: true, force: true }));

test("the run did what it should: one host provisioned, two stopped with a reason", () => {
  expect(statuses.get("good")).toMatch(/^provisioned: $/);
  expect(statuses.get("locked")).toContain("does not accept user");
  expect(statuses.get("broken")).toContain(
    "The Secret of spec.networkData is not a YAML or JSON map",
  );
  expect(logins).toBeGreaterThan(0);
});

test("the secrets have arrived where they belong: on the disk's config drive", () => {
  const content = Buffer.from(
    disk.peek(0, disk.sizeBytes > 64 * 2 ** 20 ? 64 * 2 ** 20 : disk.sizeBytes),
  );
  const tail = Buffer.from(disk.peek(disk.sizeBytes - 68 * 2 ** 20, 68 * 2 ** 20));
  const whole = Buffer.concat([content, tail]).toString("latin1");
  expect(whole).toContain(planted.userData);
  expect(whole).toContain(planted.networkData);
});

test("every kind of place was looked at", () => {
  expect([...sinks.keys()].filter((where) => !/table|file /.test(where)).toSorted()).toEqual([
    "URLs",
    "a ramdisk's console",
    "argv",
    "frames from the control plane",
    "frames to the control plane",
    "requests to the control plane",
    "the agent's agent.sqlite",
    "the agent's log",
    "the control plane's log",
    "writes to Kubernetes",
  ]);
  expect(sinks.get("the agent's agent.sqlite")?.[0]).toContain("good");
  expect([...sinks.keys()].some((where) => where.startsWith("file "))).toBe(true);
});

test("a word that is written down is found, however it is spelled", () => {
  const word = "planted-control-3d9e";
  for (const spelling of [word, btoa(word), btoa(`x${word}y`), Buffer.from(word).toString("hex")]) {
    sinks.set("control", [spelling]);
    expect(found(word)).toHaveLength(1);
  }
  sinks.delete("control");
});

test.each(Object.entries(planted))("the %s is found nowhere else", (_name, word) => {
  expect(found(word)).toEqual([]);
});

test("the enrolment token is found in its request and nowhere else", () => {
  const places = new Set(found(enrolSecret).map((line) => line.split(":")[0]));
  expect([...places]).toEqual(["requests to the control plane"]);
});
