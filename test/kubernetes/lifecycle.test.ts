// The life of a host as far as it needs no machine, seen with kubectl. The names in brackets are those of
// upstream's observable behaviours.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BareMetalHost, BareMetalHostSpec } from "../../shared/metal3/bare-metal-host.ts";
import { bmcPassword, bmcUser, type TestBmc } from "./bmcs.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { hostObject, secretObject } from "./objects.ts";

let fleet: Fleet;
const bmcs = new Map<string, TestBmc>();

beforeAll(async () => {
  fleet = await startFleet();
});
afterAll(async () => await fleet?.stop());

function bmcOf(name: string): TestBmc {
  const bmc = bmcs.get(name);
  if (bmc === undefined) throw new Error(`no BMC ${name}`);
  return bmc;
}

/** A host with a BMC of its own and a Secret of the same name. */
async function createHost(
  name: string,
  spec: Partial<BareMetalHostSpec>,
  metadata: Parameters<typeof hostObject>[2] = {},
): Promise<void> {
  const bmc = await fleet.bmcs.add();
  bmcs.set(name, bmc);
  await fleet.apply(
    secretObject(name),
    hostObject(name, { bmc: { address: bmc.url, credentialsName: name }, ...spec }, metadata),
  );
}

const patch = (name: string, change: object) =>
  fleet.kubectl(["patch", "bmh", name, "--type=merge", `-p=${JSON.stringify(change)}`]);

const isIn = (state: string) => (host: BareMetalHost) => host.status?.provisioning.state === state;
const untilIn = (name: string, state: string) => fleet.hosts.until(name, isIn(state));

interface HeldSecret {
  readonly metadata: {
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly finalizers?: readonly string[];
    readonly ownerReferences?: readonly { readonly uid: string; readonly controller?: boolean }[];
  };
}
const getSecret = async (name: string) =>
  JSON.parse(await fleet.kubectl(["get", "secret", name, "--output=json"])) as HeldSecret;

/** The reasons of a host's Events, in order of the alphabet. */
async function reasonsOf(name: string): Promise<readonly string[]> {
  const text = await fleet.kubectl([
    "get",
    "events",
    `--field-selector=involvedObject.name=${name}`,
    "--output=jsonpath={range .items[*]}{.reason} {end}",
  ]);
  return text.split(" ").toSorted();
}

const conditionOf = (host: BareMetalHost, type: string) => {
  const found = host.status?.conditions?.find((condition) => condition.type === type);
  return `${found?.status} ${found?.reason}`;
};

describe("a host without a BMC", () => {
  it("is discovered, keeps a finalizer, and registers when it gets one [B05 B06 B07 B08]", async () => {
    await fleet.apply(hostObject("bare", { externallyProvisioned: true }));
    const { status } = await untilIn("bare", "unmanaged");
    expect(status).toMatchObject({ operationalStatus: "discovered", errorMessage: "" });
    const { metadata } = await fleet.hosts.until(
      "bare",
      (host) => host.metadata.finalizers !== undefined,
    );
    expect(metadata.finalizers).toEqual(["baremetalhost.metal3.io"]);
    await expect.poll(() => reasonsOf("bare"), { timeout: 10_000 }).toEqual(["Discovered"]);
    const bmc = await fleet.bmcs.add();
    await fleet.apply(secretObject("bare"));
    await patch("bare", { spec: { bmc: { address: bmc.url, credentialsName: "bare" } } });
    await untilIn("bare", "externally provisioned");
    expect(fleet.hosts.states("bare")).toEqual([
      "",
      "unmanaged",
      "registering",
      "externally provisioned",
    ]);
  });

  it("is gone as soon as it is deleted", async () => {
    await fleet.apply(hostObject("brief", {}));
    await untilIn("brief", "unmanaged");
    await fleet.kubectl(["delete", "bmh", "brief", "--timeout=30s"]);
    expect(await fleet.kubectl(["get", "bmh", "brief", "--ignore-not-found"])).toBe("");
  });
});

describe("a host that registers", () => {
  beforeAll(async () => {
    const bmc = await fleet.bmcs.add();
    bmcs.set("known", bmc);
    await fleet.apply(
      secretObject("known", { username: `${bmcUser}\n`, password: `${bmcPassword}\n` }),
      hostObject("known", {
        externallyProvisioned: true,
        online: true,
        bmc: { address: bmc.url, credentialsName: "known" },
      }),
    );
    await fleet.hosts.until("known", ({ status }) => status?.poweredOn === true);
  });

  it("tolerates line ends in the Secret, and marks it as its own [B12 B13 B14 B15]", async () => {
    const host = await untilIn("known", "externally provisioned");
    const { metadata } = await getSecret("known");
    expect(metadata.labels).toEqual({ "environment.metal3.io": "baremetal" });
    expect(metadata.finalizers).toEqual(["baremetalhost.metal3.io/secret"]);
    expect(metadata.ownerReferences).toMatchObject([
      { kind: "BareMetalHost", name: "known", uid: host.metadata.uid },
    ]);
    expect(metadata.ownerReferences?.[0]?.controller).toBeUndefined();
  });

  it("tells what it logged in with, since when, and who it is [B16 B18 B19 B20]", async () => {
    const { metadata, status } = await untilIn("known", "externally provisioned");
    const { metadata: secret } = await getSecret("known");
    expect(status?.goodCredentials).toEqual({
      credentials: { name: "known", namespace: "metal" },
      credentialsVersion: secret.resourceVersion,
    });
    expect(status).toMatchObject({
      operationalStatus: "OK",
      hardwareProfile: "unknown",
      poweredOn: true,
      provisioning: { ID: metadata.uid },
    });
    const { register, inspect, provision } = status?.operationHistory ?? {};
    const [start = 0, end = 0] = [register?.start, register?.end].map((at) => Date.parse(at ?? ""));
    expect(end - start).toBeGreaterThanOrEqual(0);
    expect(Math.abs(Date.now() - end)).toBeLessThan(120_000);
    expect([inspect?.start ?? null, provision?.start ?? null]).toEqual([null, null]);
    expect(bmcOf("known").simulator.record.logins).toHaveLength(1);
  });

  it("says each thing once in its Events", async () => {
    await expect
      .poll(() => reasonsOf("known"), { timeout: 10_000 })
      .toEqual(["BMCAccessValidated", "PowerOn", "ProfileSet", "Registered"]);
  });

  it("has the conditions that scripts wait for [B108]", async () => {
    await fleet.kubectl(["wait", "bmh/known", "--for=condition=Provisioned", "--timeout=10s"]);
    await fleet.kubectl(["wait", "bmh/known", "--for=condition=Ready", "--timeout=10s"]);
  });

  it("logs in with rotated credentials and stays what it is [B17]", async () => {
    const before = await untilIn("known", "externally provisioned");
    bmcOf("known").setPassword("rotated");
    await fleet.apply(secretObject("known", { username: bmcUser, password: "rotated" }));
    const isRotated = ({ status }: BareMetalHost) =>
      status?.goodCredentials?.credentialsVersion !==
        before.status?.goodCredentials?.credentialsVersion &&
      status?.goodCredentials?.credentialsVersion === status?.triedCredentials?.credentialsVersion;
    const { status } = await fleet.hosts.until("known", isRotated);
    const { metadata: secret } = await getSecret("known");
    expect(status?.goodCredentials?.credentialsVersion).toBe(secret.resourceVersion);
    expect(status?.provisioning).toEqual(before.status?.provisioning);
    await expect
      .poll(
        async () => (await reasonsOf("known")).filter((each) => each === "BMCAccessValidated"),
        {
          timeout: 10_000,
        },
      )
      .toHaveLength(2);
    expect(fleet.hosts.states("known")).toEqual(["", "registering", "externally provisioned"]);
    expect(bmcOf("known").chassis.actions).toEqual(["on"]);
  });

  it("is of profile libvirt with such an address [B20]", async () => {
    const bmc = await fleet.bmcs.add();
    await fleet.apply(
      secretObject("virtual"),
      hostObject("virtual", {
        externallyProvisioned: true,
        bootMACAddress: "52:54:00:00:00:c1",
        bmc: { address: bmc.url.replace("ipmi", "libvirt"), credentialsName: "virtual" },
      }),
    );
    const { status } = await untilIn("virtual", "externally provisioned");
    expect(status?.hardwareProfile).toBe("libvirt");
  });

  it("of an unknown profile is told which there are, and goes on without [B21]", async () => {
    await createHost("profiled", { externallyProvisioned: true, hardwareProfile: "mainframe" });
    const { status } = await fleet.hosts.until(
      "profiled",
      (host) => host.status?.errorType === "registration error",
    );
    expect(status?.errorMessage).toContain('spec.hardwareProfile: "mainframe" is unknown');
    expect(status?.errorMessage).toContain("use one of unknown, ");
    expect(bmcOf("profiled").simulator.record.attempts).toBe(0);
    await patch("profiled", { spec: { hardwareProfile: null } });
    await untilIn("profiled", "externally provisioned");
  });
});

describe("a host whose hardware is known", () => {
  const hardware = {
    cpu: { arch: "x86_64", count: 8 },
    ramMebibytes: 16_384,
    nics: [{ name: "eth0", mac: "52:54:00:00:00:c2" }],
    storage: [{ name: "/dev/sda", sizeBytes: 21_474_836_480, serialNumber: "D-9" }],
  };

  beforeAll(async () => {
    await fleet.apply({
      apiVersion: "metal3.io/v1alpha1",
      kind: "HardwareData",
      metadata: { name: "offered", namespace: "metal" },
      spec: { hardware },
    });
    await createHost("offered", {
      bootMACAddress: "52:54:00:00:00:c2",
      inspectionMode: "disabled",
      automatedCleaningMode: "disabled",
    });
    await untilIn("offered", "available");
  });

  it("is offered without being inspected or switched on [B25 B28 B31]", async () => {
    expect(fleet.hosts.states("offered")).toEqual(["", "registering", "preparing", "available"]);
    const host = await fleet.hosts.until("offered", ({ spec }) => spec.architecture === "x86_64");
    expect(host.status?.hardware).toEqual(hardware);
    expect(host.status?.operationHistory?.inspect?.start ?? null).toBeNull();
    expect(conditionOf(host, "AvailableForProvisioning")).toBe("True Available");
    expect(conditionOf(host, "Ready")).toBe("False NotProvisioned");
    expect(bmcOf("offered").chassis.actions).toEqual([]);
  });

  it("follows spec.online without leaving its state [B38 B39]", async () => {
    await patch("offered", { spec: { online: true } });
    await fleet.hosts.until("offered", ({ status }) => status?.poweredOn === true);
    await patch("offered", { spec: { online: false } });
    await fleet.hosts.until("offered", ({ status }) => status?.poweredOn === false);
    expect(bmcOf("offered").chassis.actions).toEqual(["on", "soft"]);
    expect(fleet.hosts.states("offered").at(-1)).toBe("available");
  });

  it("is switched off and gone when it is deleted, with its Secret [B93 B98]", async () => {
    await patch("offered", { spec: { online: true } });
    await fleet.hosts.until("offered", ({ status }) => status?.poweredOn === true);
    await fleet.kubectl(["delete", "bmh", "offered", "--timeout=30s"]);
    expect(fleet.hosts.states("offered").slice(-3)).toEqual([
      "available",
      "powering off before delete",
      "deleting",
    ]);
    expect(bmcOf("offered").chassis.actions).toEqual(["on", "soft", "on", "off"]);
    await fleet.kubectl(["wait", "--for=delete", "secret/offered", "--timeout=30s"]);
  });
});

describe("deleting a host", () => {
  it("that registers in vain ends at once, and lets its Secret go [B95]", async () => {
    await createHost("hopeless", {});
    bmcOf("hopeless").simulator.faults.drop = () => true;
    await fleet.hosts.until("hopeless", ({ status }) => status?.errorType !== undefined);
    await fleet.kubectl(["delete", "bmh", "hopeless", "--timeout=30s"]);
    const states = fleet.hosts.states("hopeless");
    expect(states).toEqual(["", "registering", "deleting"]);
    await fleet.kubectl(["wait", "--for=delete", "secret/hopeless", "--timeout=30s"]);
  });

  it("whose Secret never was ends at once", async () => {
    await fleet.apply(
      hostObject("orphan", { bmc: { address: "ipmi://192.0.2.1", credentialsName: "nowhere" } }),
    );
    await fleet.hosts.until("orphan", ({ status }) => status?.errorType !== undefined);
    await fleet.kubectl(["delete", "bmh", "orphan", "--timeout=30s"]);
  });

  it("whose Secret is gone already switches it off and ends [B96]", async () => {
    await createHost("bereft", { externallyProvisioned: true, online: true });
    await fleet.hosts.until("bereft", ({ status }) => status?.poweredOn === true);
    await fleet.kubectl(["delete", "secret", "bereft", "--wait=false"]);
    const release = ["patch", "secret", "bereft", "--type=merge"];
    await fleet.kubectl([...release, '-p={"metadata":{"finalizers":null}}']);
    await fleet.hosts.until("bereft", ({ status }) => status?.errorType !== undefined);
    await fleet.kubectl(["delete", "bmh", "bereft", "--timeout=30s"]);
    expect(bmcOf("bereft").chassis.actions).toEqual(["on", "off"]);
  });

  it("leaves nothing of it in the hub", async () => {
    const { sql } = fleet;
    const names = ["brief", "offered", "hopeless", "orphan", "bereft"];
    await expect
      .poll(() => sql`SELECT name FROM hosts WHERE name IN ${sql(names)}`, { timeout: 10_000 })
      .toEqual([]);
    const rows = await sql`
      SELECT host_uid FROM operations UNION ALL SELECT host_uid FROM claims
      UNION ALL SELECT host_uid FROM secret_facts
      EXCEPT SELECT uid FROM hosts`;
    expect(rows).toEqual([]);
  });
});
