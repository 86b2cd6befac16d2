// The way from a committed change to its effect, while everything on it is killed in turn: each change takes effect
// exactly once, a deletion while nobody looks is seen, and nothing is listed twice.
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BareMetalHost } from "../../shared/metal3/bare-metal-host.ts";
import { makeNodeKubernetes } from "../../site-agent/adapters/node-kubernetes.ts";
import type { KubernetesApi } from "../../site-agent/cluster/port.ts";
import type { TestBmc } from "./bmcs.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { testNamespace } from "./host-watch.ts";
import { hostObject, secretObject } from "./objects.ts";

let fleet: Fleet;
let api: KubernetesApi;
let rebooted: TestBmc;
let toggled: TestBmc;

beforeAll(async () => {
  fleet = await startFleet();
  api = makeNodeKubernetes(fleet.kubernetes.adminKubeconfigPath);
  await recordVersions();
  [rebooted, toggled] = [await fleet.bmcs.add(), await fleet.bmcs.add()];
  await fleet.apply(
    secretObject("bmc"),
    hostObject("rebooted", { ...managed(rebooted), online: true }),
    hostObject("toggled", { ...managed(toggled), online: true }),
  );
  for (const name of ["rebooted", "toggled"]) await untilPower(name, true);
});
afterAll(async () => await fleet?.stop());

const managed = ({ url: address }: TestBmc) => ({
  externallyProvisioned: true,
  bmc: { address, credentialsName: "bmc" },
});

/** Notes every version of an object that is ever stored for a host, in the database itself. */
async function recordVersions(): Promise<void> {
  await fleet.sql.unsafe(`
    CREATE TABLE stored_versions (id bigserial, uid text, version numeric, object jsonb);
    CREATE FUNCTION note_version() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      IF TG_OP = 'INSERT' OR NEW.object IS DISTINCT FROM OLD.object
        OR NEW.resource_version IS DISTINCT FROM OLD.resource_version THEN
        INSERT INTO stored_versions (uid, version, object)
          VALUES (NEW.uid, NEW.resource_version, NEW.object);
      END IF;
      RETURN NULL;
    END $$;
    CREATE TRIGGER note_version AFTER INSERT OR UPDATE ON hosts
      FOR EACH ROW EXECUTE FUNCTION note_version();`);
}

const hostsPath = `/apis/metal3.io/v1alpha1/namespaces/${testNamespace}/baremetalhosts`;

/** Straight to the API server: kubectl lists behind one's back, and lists are counted here. */
async function write(
  method: "POST" | "PATCH" | "DELETE",
  name: string,
  body?: object,
): Promise<void> {
  const answer = await api.request({
    method,
    path: method === "POST" ? hostsPath : `${hostsPath}/${name}`,
    ...(body === undefined ? {} : { body }),
    ...(method === "PATCH" ? { patch: "merge" as const } : {}),
  });
  if (!answer.ok) throw new Error(answer.error.message);
  if (answer.value.status >= 300) throw new Error(JSON.stringify(answer.value.body));
}

/** How often the API server was asked to list hosts, by anybody. */
async function lists(): Promise<number> {
  const text = await fleet.kubectl(["get", "--raw=/metrics"]);
  const counters = text
    .split("\n")
    .filter((line) => line.startsWith("apiserver_request_total{"))
    .filter((line) => line.includes('resource="baremetalhosts"') && line.includes('verb="LIST"'));
  return counters.reduce((sum, line) => sum + Number(line.split(" ").at(-1)), 0);
}

async function untilPower(name: string, on: boolean): Promise<void> {
  await fleet.hosts.until(
    name,
    ({ status, metadata }) =>
      status?.poweredOn === on && metadata.annotations?.["reboot.metal3.io"] === undefined,
    { timeoutMs: 60_000 },
  );
}

interface StoredHost {
  readonly uid: string;
  readonly version: string;
  readonly object: BareMetalHost;
}

const storedHosts = () =>
  fleet.sql<StoredHost[]>`SELECT uid, resource_version AS version, object FROM hosts ORDER BY uid`;

/** The hosts as Kubernetes holds them, once the hub holds the same and has nothing left to say. */
async function untilQuiet(): Promise<readonly BareMetalHost[]> {
  const inKubernetes = () =>
    fleet.hosts.all().map(({ metadata: { uid, resourceVersion } }) => `${uid} ${resourceVersion}`);
  const inHub = async () => (await storedHosts()).map(({ uid, version }) => `${uid} ${version}`);
  const unsaid = async () =>
    await fleet.sql`
      SELECT link, key FROM outbox UNION ALL
      SELECT name, uid FROM hosts
      WHERE deleted OR object->'metadata'->'deletionTimestamp' IS NOT NULL`;
  await expect
    .poll(
      async () => ({
        hub: (await inHub()).toSorted(),
        unsaid: await unsaid(),
        isSame: (await inHub()).toSorted().join() === inKubernetes().toSorted().join(),
      }),
      { timeout: 60_000, interval: 200 },
    )
    .toMatchObject({ unsaid: [], isSame: true });
  return fleet.hosts.all();
}

/** Creates, edits and deletes hosts without a pause until it is told to stop; says what it left. */
function scribble(): { stop(): Promise<ReadonlyMap<string, string>> } {
  const descriptions = new Map<string, string>();
  let stopped = false;
  const run = async () => {
    for (let turn = 0; !stopped; turn += 1) {
      const name = `scribble-${turn}`;
      await write("POST", name, hostObject(name, { description: "new" }));
      const text = `turn ${turn}`;
      for (const each of descriptions.keys()) {
        await write("PATCH", each, { spec: { description: text } });
        descriptions.set(each, text);
      }
      descriptions.set(name, "new");
      const [oldest] = descriptions.keys();
      if (descriptions.size > 4 && oldest !== undefined) {
        descriptions.delete(oldest);
        await write("DELETE", oldest);
      }
      await sleep(50);
    }
  };
  const done = run();
  return {
    async stop() {
      stopped = true;
      await done;
      return descriptions;
    },
  };
}

/** Each party of the feed, killed -9 and started again. */
const parties = () => {
  const { agent, hub } = fleet;
  const startAgent = async () => agent.start();
  return {
    agent: { kill: () => agent.kill(), start: startAgent },
    "the instance that takes the feed": hub.b,
    "the instance that holds the socket": hub.a,
  };
};

describe("the feed of a cluster", () => {
  it("brings each change to its effect exactly once while its parties are killed in turn", async () => {
    const before = await lists();
    const rounds = [...Object.values(parties()), ...Object.values(parties())];
    const scribbler = scribble();
    let wanted = true;
    for (const [index, party] of rounds.entries()) {
      await write("PATCH", "rebooted", { metadata: { annotations: { "reboot.metal3.io": "" } } });
      // In the second half the party is killed while the reboot is under way.
      if (index >= 3) {
        const hasBegun = 2 * index + 2;
        await expect
          .poll(() => rebooted.chassis.actions.length, { timeout: 30_000, interval: 10 })
          .toBeGreaterThanOrEqual(hasBegun);
      }
      await party.kill();
      wanted = !wanted;
      await write("PATCH", "toggled", { spec: { online: wanted } });
      await party.start();
      await Promise.all([untilPower("rebooted", true), untilPower("toggled", wanted)]);
    }
    const left = await scribbler.stop();
    const hosts = await untilQuiet();

    expect(await lists()).toBe(before);
    expect(rebooted.chassis.actions).toEqual(["on", ...rounds.flatMap(() => ["soft", "on"])]);
    expect(toggled.chassis.actions).toEqual([
      "on",
      ...rounds.map((_, index) => (index % 2 === 0 ? "soft" : "on")),
    ]);
    const scribbled = hosts.filter(({ metadata }) => metadata.name.startsWith("scribble-"));
    expect(new Map(scribbled.map((host) => [host.metadata.name, host.spec.description]))).toEqual(
      left,
    );
    for (const { status } of scribbled) {
      expect(status?.provisioning.state).toBe("unmanaged");
    }
    await expectOneEventEach("Discovered", scribbled);
    await expectOneEventEach(
      "Registered",
      hosts.filter(({ spec }) => spec.bmc !== undefined),
    );
  });

  it("stored only what Kubernetes had, and of each host in rising versions", async () => {
    const rows = await fleet.sql<StoredHost[]>`
      SELECT uid, version, object FROM stored_versions ORDER BY id`;
    const last = new Map<string, number>();
    for (const { uid, version, object } of rows) {
      expect(Number(version)).toBeGreaterThan(last.get(uid) ?? 0);
      last.set(uid, Number(version));
      expect(object.metadata.resourceVersion).toBe(version);
    }
    expect(rows.length).toBeGreaterThan(100);
  });

  it("tells of a deletion, and of a successor of the same name, while the agent is away", async () => {
    await write("POST", "ghost", hostObject("ghost", {}));
    await write("POST", "phoenix", hostObject("phoenix", {}));
    const isFound = ({ status }: BareMetalHost) => status?.provisioning.state === "unmanaged";
    await fleet.hosts.until("ghost", isFound);
    const { metadata: earlier } = await fleet.hosts.until("phoenix", isFound);
    const before = await lists();
    await fleet.agent.stop();
    for (const name of ["ghost", "phoenix"]) {
      await write("PATCH", name, { metadata: { finalizers: null } });
      await write("DELETE", name);
    }
    await write("POST", "phoenix", hostObject("phoenix", { description: "risen" }));
    fleet.agent.start();
    const { metadata } = await fleet.hosts.until("phoenix", isFound);
    expect(metadata.uid).not.toBe(earlier.uid);
    const hosts = await untilQuiet();
    expect(hosts.some(({ metadata: { name } }) => name === "ghost")).toBe(false);
    expect(await lists()).toBe(before);
  });

  it("lists once more, and sees what is gone, when its cursor is too old", async () => {
    await write("POST", "missed", hostObject("missed", {}));
    await fleet.hosts.until("missed", ({ status }) => status !== undefined);
    const before = await lists();
    await fleet.agent.stop();
    await write("PATCH", "missed", { metadata: { finalizers: null } });
    await write("DELETE", "missed");
    await write("PATCH", "phoenix", { spec: { description: "seen by the list" } });
    await fleet.sql`UPDATE feeds SET cursor = '1' WHERE resource = 'baremetalhosts'`;
    fleet.agent.start();
    await untilQuiet();
    expect(await lists()).toBe(before + 1);
    const phoenix = (await storedHosts()).find(({ object }) => object.metadata.name === "phoenix");
    expect(phoenix?.object.spec.description).toBe("seen by the list");
  });
});

async function expectOneEventEach(reason: string, hosts: readonly BareMetalHost[]): Promise<void> {
  const args = ["get", "events", `--field-selector=reason=${reason}`, "--output=json"];
  const { items } = JSON.parse(await fleet.kubectl(args)) as {
    items: { involvedObject: { uid: string }; count: number }[];
  };
  expect(hosts.length).toBeGreaterThan(0);
  for (const { metadata } of hosts) {
    const events = items.filter(({ involvedObject }) => involvedObject.uid === metadata.uid);
    expect(events.map(({ count }) => count)).toEqual([1]);
  }
}
