// Admission as a person at the keyboard meets it: kubectl, a real kube-apiserver that calls the control plane over
// TLS, and what the hub does with objects that were stored while nobody could be asked.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { BareMetalHostSpec } from "../../shared/metal3/bare-metal-host.ts";
import { startFleet, type Fleet } from "./fleet.ts";
import { hostObject, secretObject } from "./objects.ts";

let fleet: Fleet;

beforeAll(async () => {
  fleet = await startFleet();
});
afterAll(async () => await fleet?.stop());

const bmc = { address: "ipmi://192.0.2.1", credentialsName: "bmc" };
const url = "http://images.example/a.img";
const checksum = "0".repeat(64);

/** What kubectl says; the object must not have been stored. */
async function refusal(name: string, spec: Partial<BareMetalHostSpec>): Promise<string> {
  const { code, stderr } = await fleet.tryApply([hostObject(name, spec)]);
  expect({ code, stderr }).toMatchObject({ code: 1 });
  expect(await fleet.kubectl(["get", "bmh", name, "--ignore-not-found"])).toBe("");
  return stderr;
}

const merge = (name: string, patch: object, ...flags: readonly string[]) =>
  fleet.tryKubectl(["patch", "bmh", name, "--type=merge", `-p=${JSON.stringify(patch)}`, ...flags]);

describe("a new host is refused with field, value and way out when", () => {
  it.each<readonly [string, Partial<BareMetalHostSpec>, readonly string[]]>([
    [
      "its BMC's scheme is unknown",
      { bmc: { ...bmc, address: "abacus://192.0.2.1" } },
      ["spec.bmc.address", '"abacus"', "use one of ipmi, libvirt, redfish"],
    ],
    [
      "its BMC's address holds a password",
      { bmc: { ...bmc, address: "ipmi://root:calvin@192.0.2.1" } },
      ["spec.bmc.address", "put them in the Secret"],
    ],
    ["its MAC is no MAC", { bootMACAddress: "zz" }, ["spec.bootMACAddress", '"zz"', "match"]],
    [
      "its MAC is too long",
      { bootMACAddress: "52:54:00:00:00:01:02" },
      ["spec.bootMACAddress", "52:54:00:00:00:01:02", "six bytes"],
    ],
    [
      "its MAC is everybody's",
      { bmc, bootMACAddress: "ff:ff:ff:ff:ff:ff" },
      ["spec.bootMACAddress", '"ff:ff:ff:ff:ff:ff"', "give that of one port"],
    ],
    [
      "nothing tells which machine boots [B106]",
      { bmc, inspectionMode: "disabled" },
      ["spec.bootMACAddress", "is required", "inspectionMode disabled"],
    ],
    ["its image has no checksum", { bmc, image: { url } }, ["spec.image.checksum", "is required"]],
    [
      "its checksum has the wrong length",
      { bmc, image: { url, checksum: "abc", checksumType: "sha256" } },
      ["spec.image.checksum", '"abc"', "64 hex digits"],
    ],
    [
      "its image is a file",
      { bmc, image: { url: "file:///etc/shadow", checksum } },
      ["spec.image.url", "file:///etc/shadow", "http, https"],
    ],
    [
      "its user data is in another namespace [B58]",
      { bmc, userData: { name: "u", namespace: "kube-system" } },
      ["spec.userData.namespace", "kube-system", "must be the namespace of the host"],
    ],
    [
      "its root device is named by UUID [B107]",
      { bmc, rootDeviceHints: { deviceName: "/dev/disk/by-uuid/1" } },
      ["spec.rootDeviceHints.deviceName", "/dev/disk/by-uuid/1", "/dev/disk/by-path/NAME"],
    ],
    [
      "it would be off and may not be switched off [B100]",
      { bmc, disablePowerOff: true, online: false },
      ["spec.online", "must be true", "disablePowerOff"],
    ],
    [
      "its BMC cannot turn secure boot on [B104]",
      { bmc, bootMode: "UEFISecureBoot" },
      ["spec.bootMode", "UEFISecureBoot", "use UEFI"],
    ],
  ])("%s", async (_, spec, says) => {
    const text = await refusal("refused", spec);
    for (const words of says) expect(text).toContain(words);
    expect(text).not.toContain("calvin");
  });

  it("its name is a UUID [B103]", async () => {
    const text = await refusal("6fa59e1e-0000-4000-8000-000000000001", { bmc });
    expect(text).toContain("metadata.name must not be a UUID");
  });

  it("several things are wrong, all of them at once", async () => {
    const text = await refusal("refused", {
      bmc: { ...bmc, address: "abacus://192.0.2.1" },
      image: { url, checksum: "abc" },
    });
    expect(text).toContain('spec.bmc.address: has the unknown scheme "abacus"');
    expect(text).toContain('spec.image.checksum: "abc" has 3 characters');
  });
});

describe("a host in use", () => {
  const mac = "52:54:00:00:00:a1";

  beforeAll(async () => {
    const { url: address } = await fleet.bmcs.add();
    const spec = { externallyProvisioned: true, bootMACAddress: mac };
    await fleet.apply(
      secretObject("used-bmc"),
      hostObject("used", { ...spec, bmc: { address, credentialsName: "used-bmc" } }),
    );
    await fleet.hosts.until(
      "used",
      (host) => host.status?.provisioning.state === "externally provisioned",
    );
  });

  it("keeps its boot MAC address, in whatever case [B102]", async () => {
    const { stderr } = await merge("used", { spec: { bootMACAddress: "52:54:00:00:00:a2" } });
    expect(stderr).toContain("bootMACAddress can not be changed once it is set");
    expect(stderr).toContain("delete the host and create it again");
    expect(stderr).toContain(mac);
    expect(await merge("used", { spec: { bootMACAddress: mac.toUpperCase() } })).toMatchObject({
      code: 0,
    });
  });

  it("keeps its BMC's address until it is detached [B85]", async () => {
    const { stderr } = await merge("used", { spec: { bmc: { address: "ipmi://192.0.2.7" } } });
    expect(stderr).toContain("spec.bmc.address can not be changed; detach the host first");
    expect(stderr).toContain(fleet.hosts.get("used")?.spec.bmc?.address);
  });

  it("is named to whoever takes its BMC or MAC in the same namespace", async () => {
    const used = fleet.hosts.get("used")?.spec.bmc?.address ?? "";
    const byAddress = await refusal("twin", {
      bmc: { address: used, credentialsName: "used-bmc" },
    });
    const place = used.replace("ipmi://", "");
    expect(byAddress).toContain(`spec.bmc.address: BMC ${place} is used by host "used"`);
    expect(byAddress).toContain("delete that host");
    const byMac = await refusal("twin", { bmc, bootMACAddress: mac });
    expect(byMac).toContain(`spec.bootMACAddress: MAC address ${mac} is used by host "used"`);
  });

  it("is not named to whoever takes its BMC or MAC in another namespace", async () => {
    await fleet.kubectl(["create", "namespace", "strangers"]);
    const spec = { bmc: { ...bmc, credentialsName: "none" }, bootMACAddress: mac };
    const twin = hostObject("other", spec, { namespace: "strangers" });
    const { code, stderr } = await fleet.tryKubectl(
      ["apply", "--namespace=strangers", "--filename=-", "--dry-run=server"],
      JSON.stringify(twin),
    );
    expect(code).toBe(0);
    expect(stderr).toContain(`Warning: spec.bootMACAddress: MAC address ${mac} is used by another`);
    expect(stderr).not.toContain('"used"');
  });
});

describe("the plan of a change", () => {
  const disk = {
    name: "/dev/sda",
    sizeBytes: 21_474_836_480,
    serialNumber: "D-1",
    rotational: true,
  };
  const status = {
    operationalStatus: "OK",
    lastUpdated: "2026-01-01T00:00:00Z",
    poweredOn: true,
    errorCount: 0,
    errorMessage: "",
    hardware: { storage: [disk] },
    provisioning: { state: "provisioned", ID: "x", image: { url, checksum } },
  };

  beforeAll(async () => {
    const { url: address } = await fleet.bmcs.add({ on: true });
    const annotations = { "baremetalhost.metal3.io/status": JSON.stringify(status) };
    const spec = { bmc: { address, credentialsName: "written" }, image: { url, checksum } };
    await fleet.apply(
      secretObject("written"),
      hostObject("written", { ...spec, online: true }, { annotations }),
    );
    await fleet.hosts.until(
      "written",
      ({ status: now, metadata }) =>
        now?.provisioning.state === "provisioned" &&
        now.goodCredentials?.credentialsVersion !== undefined &&
        metadata.annotations?.["baremetalhost.metal3.io/status"] === undefined,
    );
  });

  it("says on creation that all disks are erased, and what is written", async () => {
    const host = hostObject("new", { bmc, online: true, image: { url, checksum } });
    const { stderr } = await fleet.tryApply([host], "--dry-run=server");
    expect(stderr).toContain("Warning: the partition tables of ALL disks of this machine");
    expect(stderr).toContain(`Warning: then ${url} will be written to its root disk`);
    expect(await fleet.kubectl(["get", "bmh", "new", "--ignore-not-found"])).toBe("");
  });

  it("names disk, size and serial on a dry run, which changes nothing at all", async () => {
    await untilStill();
    const before = await everything();
    const other = { spec: { image: { url: `${url}.new`, checksum } } };
    const { code, stderr } = await merge("written", other, "--dry-run=server");
    expect(code).toBe(0);
    expect(stderr).toContain("Warning: this change erases /dev/sda (serial D-1, 20.0 GiB)");
    expect(stderr).toContain(`${url}.new will be written over /dev/sda (serial D-1, 20.0 GiB)`);
    expect(await everything()).toEqual(before);
  });

  it("says nothing when only a label changes", async () => {
    const { stderr } = await merge("written", { metadata: { labels: { rack: "7" } } });
    expect(stderr).toBe("");
  });
});

/** Until every host's power was seen, and nothing waits to be decided or said. */
async function untilStill(): Promise<void> {
  const { sql } = fleet;
  await expect
    .poll(
      () => sql`
        SELECT name FROM hosts WHERE power_at IS NULL OR wake_at IS NOT NULL
        UNION ALL SELECT id FROM operations WHERE NOT consumed
        UNION ALL SELECT key FROM outbox`,
      { timeout: 60_000, interval: 100 },
    )
    .toEqual([]);
}

/** All that the API server and the hub hold about hosts. */
async function everything(): Promise<unknown> {
  const { sql } = fleet;
  return {
    objects: await fleet.kubectl(["get", "bmh", "--all-namespaces", "--output=yaml"]),
    events: await fleet.kubectl(["get", "events", "--output=name"]),
    hosts: await sql`SELECT uid, version, object, memory, document FROM hosts ORDER BY uid`,
    operations: await sql`SELECT * FROM operations ORDER BY id`,
    claims: await sql`SELECT * FROM claims ORDER BY site, kind, value`,
  };
}

const clusterVersion = (version: string, name: string) => [
  "get",
  `metal3clusters.${version}.infrastructure.cluster.x-k8s.io`,
  name,
  "--output=jsonpath={.spec}",
];
const oldCluster = (name: string, spec: object) => ({
  apiVersion: "infrastructure.cluster.x-k8s.io/v1beta1",
  kind: "Metal3Cluster",
  metadata: { name },
  spec,
});

describe("a cluster of an older version", () => {
  it("is filled in by the hub and converted by the agent [M05 M13]", async () => {
    // The API server takes a moment to see that the agent converts.
    await expect
      .poll(async () => (await fleet.tryKubectl(clusterVersion("v1beta1", "none"))).stderr, {
        timeout: 30_000,
        interval: 200,
      })
      .toContain("NotFound");
    const spec = { controlPlaneEndpoint: { host: "api.example", port: 0 } };
    await fleet.apply(oldCluster("old", spec));
    const endpoint = { controlPlaneEndpoint: { host: "api.example", port: 6443 } };
    expect(JSON.parse(await fleet.kubectl(clusterVersion("v1beta2", "old")))).toEqual({
      ...endpoint,
      cloudProviderEnabled: false,
    });
    expect(JSON.parse(await fleet.kubectl(clusterVersion("v1beta1", "old")))).toEqual({
      ...endpoint,
      cloudProviderEnabled: false,
      noCloudProvider: true,
    });
  });

  it("is refused with the fields of the newer one [M06]", async () => {
    const spec = { controlPlaneEndpoint: { host: "", port: 6443 } };
    const { code, stderr } = await fleet.tryApply([oldCluster("no-host", spec)]);
    expect(code).toBe(1);
    expect(stderr).toContain("spec.controlPlaneEndpoint.host is required");
  });
});

describe("while the hub is down", () => {
  let schemeRefusal: string;
  let converted: string;
  let hostless: string;

  beforeAll(async () => {
    const { a, b } = fleet.hub;
    const { bmcs } = fleet;
    const [good, twin] = [await bmcs.add(), await bmcs.add()];
    const free = { address: good.url, credentialsName: "hub-down" };
    const broken = { ...bmc, address: "abacus://192.0.2.1" };
    schemeRefusal = await refusal("broken", { bmc: broken });
    await fleet.apply(
      secretObject("hub-down"),
      hostObject("first", {
        externallyProvisioned: true,
        bmc: { ...free, address: twin.url },
      }),
    );
    await fleet.hosts.until("first", ({ status }) => status?.goodCredentials !== undefined);
    await Promise.all([a.kill(), b.kill()]);
    await fleet.apply(
      hostObject("good", { externallyProvisioned: true, bmc: free }),
      hostObject("broken", { bmc: broken }),
      hostObject("second", { externallyProvisioned: true, bmc: { ...free, address: twin.url } }),
    );
    await fleet.kubectl(["delete", "bmh", "used", "--wait=false"]);
    converted = await fleet.kubectl(clusterVersion("v1beta1", "old"));
    hostless = (await fleet.tryApply([oldCluster("hostless", { noCloudProvider: true })])).stderr;
    await Promise.all([a.start(), b.start()]);
  });

  it("older versions are converted, and judged by the policy [M06 M13]", () => {
    expect(JSON.parse(converted)).toMatchObject({ noCloudProvider: true });
    expect(hostless).toContain("spec.controlPlaneEndpoint.host is required");
  });

  it("objects are accepted, and nothing of it is lost", async () => {
    await fleet.hosts.until(
      "good",
      ({ status }) => status?.provisioning.state === "externally provisioned",
      { timeoutMs: 60_000 },
    );
    await fleet.hosts.untilGone("used");
  });

  it("a stored object that would have been refused gets the same message and starts nothing", async () => {
    const { metadata, status } = await fleet.hosts.until(
      "broken",
      (host) => host.status?.errorType === "registration error",
      { timeoutMs: 60_000 },
    );
    expect(status?.errorMessage).toContain('spec.bmc.address: has the unknown scheme "abacus"');
    expect(schemeRefusal).toContain(status?.errorMessage);
    expect(status).toMatchObject({
      operationalStatus: "error",
      errorCount: 1,
      provisioning: { state: "registering", ID: "" },
    });
    const { sql } = fleet;
    expect(await sql`SELECT id FROM operations WHERE host_uid = ${metadata.uid}`).toHaveLength(0);
    expect(await sql`SELECT value FROM claims WHERE host_uid = ${metadata.uid}`).toHaveLength(0);
  });

  it("the second host of a BMC waits and names the first", async () => {
    const { metadata, status } = await fleet.hosts.until(
      "second",
      (host) => host.status?.errorType === "registration error",
      { timeoutMs: 60_000 },
    );
    expect(status?.errorMessage).toContain('is used by host "first" of this namespace');
    const { sql } = fleet;
    expect(await sql`SELECT id FROM operations WHERE host_uid = ${metadata.uid}`).toHaveLength(0);
    await fleet.kubectl(["delete", "bmh", "first", "--wait=false"]);
    await fleet.hosts.until(
      "second",
      (host) => host.status?.provisioning.state === "externally provisioned",
    );
  });

  it("a refused object that is stored can be mended, and deleted", async () => {
    const labelled = await merge("broken", { metadata: { labels: { rack: "7" } } });
    expect(labelled).toMatchObject({ code: 0 });
    expect(labelled.stderr).toContain("Warning: spec.bmc.address: has the unknown scheme");
    await fleet.kubectl(["delete", "bmh", "broken", "--timeout=30s"]);
  });
});
