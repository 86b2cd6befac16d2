// Every rule about a host refuses what it must and leaves its neighbour alone. Numbers are upstream's (W) or
// those of the bad-input catalogue (B).
import { expect, test } from "vitest";
import { makeHost } from "../../test/support/host-world.ts";
import {
  findUpdateViolations,
  findViolations,
  validateBareMetalHost,
} from "./validate-bare-metal-host.ts";
import { hostRules } from "./validation/host-rules.table.ts";
import { updateRules } from "./validation/update-rules.table.ts";

const url = "http://images.example/a.qcow2";
const checksum = "a".repeat(64);
const bmc = (address: string) => ({ bmc: { address, credentialsName: "c" } });
const annotated = (key: string, value: string) => ({ annotations: { [key]: value } });
const status = (fields: object) => ({
  errorCount: 0,
  errorMessage: "",
  operationalStatus: "OK",
  poweredOn: false,
  provisioning: { state: "available", ID: "" },
  ...fields,
});

interface Row {
  readonly id: string;
  readonly spec?: object;
  readonly metadata?: object;
  readonly says: string;
}

const refused: readonly Row[] = [
  { id: "firmware", spec: { firmware: {} }, says: "HostFirmwareSettings" }, // W2
  {
    id: "userdata-namespace",
    spec: { userData: { name: "u", namespace: "other" } },
    says: "Forbidden",
  }, // W3
  { id: "networkdata-namespace", spec: { networkData: { namespace: "other" } }, says: "Forbidden" },
  { id: "metadata-namespace", spec: { metaData: { namespace: "other" } }, says: "Forbidden" },
  {
    id: "raid-both", // W4
    spec: {
      ...bmc("redfish://b/redfish/v1/Systems/1"),
      raid: { hardwareRAIDVolumes: [{ level: "1" }], softwareRAIDVolumes: [{ level: "1" }] },
    },
    says: "keep one kind",
  },
  {
    id: "raid-controller", // W5
    spec: {
      ...bmc("redfish://b/redfish/v1/Systems/1"),
      raid: { hardwareRAIDVolumes: [{ level: "1", physicalDisks: ["d0"] }] },
    },
    says: "volume 0",
  },
  {
    id: "raid-disk-count", // W6
    spec: {
      ...bmc("redfish://b/redfish/v1/Systems/1"),
      raid: {
        hardwareRAIDVolumes: [
          { level: "1", controller: "c", physicalDisks: ["d0"], numberOfPhysicalDisks: 2 },
        ],
      },
    },
    says: "volume 0",
  },
  {
    id: "raid-root-volume", // W7
    spec: { raid: { softwareRAIDVolumes: [{ level: "0", rootVolume: true }] } },
    says: '"0"',
  },
  { id: "bmc-raid", spec: { raid: { hardwareRAIDVolumes: [{ level: "1" }] } }, says: "ipmi" }, // W8
  {
    id: "boot-mac-missing",
    spec: { ...bmc("libvirt://b:6230/"), bootMACAddress: undefined },
    says: "libvirt",
  }, // W9
  {
    id: "boot-mac-missing",
    spec: { bootMACAddress: undefined, inspectionMode: "disabled" },
    says: "inspection",
  }, // B106
  { id: "boot-mac", spec: { bootMACAddress: "01:00:5e:00:00:01" }, says: "multicast" }, // W10, B8
  { id: "boot-mac", spec: { bootMACAddress: "00:11:22:33:44:55:66:77" }, says: "EUI-64" },
  { id: "secure-boot", spec: { bootMode: "UEFISecureBoot" }, says: "UEFISecureBoot" }, // W11
  { id: "name", metadata: { name: "8f0ed2a1-0c4e-4b4e-9d6c-000000000001" }, says: "UUID" }, // W12
  { id: "name", metadata: { name: "host~1" }, says: "host~1" },
  {
    id: "hint-device-name",
    spec: { rootDeviceHints: { deviceName: "/dev/disk/by-uuid/x" } },
    says: "by-path",
  }, // W13
  { id: "hint-hctl", spec: { rootDeviceHints: { hctl: "0:0" } }, says: "four numbers" }, // B21
  {
    id: "image-url",
    spec: { image: { url: "file:///etc/passwd", checksum } },
    says: "file:///etc",
  }, // W14
  { id: "image-url", spec: { image: { url: "images/a.img", checksum } }, says: "not a URL" },
  {
    id: "image-url-credentials",
    spec: { image: { url: "http://u:p@h/a", checksum } },
    says: "user or password",
  }, // B15
  { id: "image-checksum", spec: { image: { url } }, says: "is missing" }, // W15
  { id: "image-checksum-oci", spec: { image: { url: "oci://r/a:1", checksum } }, says: "oci" },
  {
    id: "image-checksum-form",
    spec: { image: { url, checksum, checksumType: "md5" } },
    says: "32",
  }, // B16
  { id: "image-checksum-form", spec: { image: { url, checksum: "zz" } }, says: "2 characters" },
  { id: "bmc-address", spec: bmc("foo://192.0.2.1"), says: "foo" }, // W1
  { id: "bmc-address", spec: bmc("redfish://user:hunter2@h/"), says: "Secret" }, // B4
  {
    id: "status-annotation",
    metadata: annotated("baremetalhost.metal3.io/status", "{"),
    says: "JSON",
  }, // W16
  {
    id: "status-annotation",
    metadata: annotated("baremetalhost.metal3.io/status", '{"surprise":1}'),
    says: "surprise",
  },
  { id: "reboot-annotation", metadata: annotated("reboot.metal3.io/k", "now"), says: "now" }, // W17
  {
    id: "reboot-annotation",
    metadata: annotated("reboot.metal3.io", '{"mode":"warm"}'),
    says: "warm",
  },
  { id: "inspect-annotation", metadata: annotated("inspect.metal3.io", "yes"), says: "yes" }, // W18
  {
    id: "hardware-annotation",
    metadata: annotated("inspect.metal3.io/hardwaredetails", "{}"),
    says: "disabled",
  }, // W19
  {
    id: "inspection-contradiction", // W20
    spec: { inspectionMode: "agent" },
    metadata: annotated("inspect.metal3.io", "disabled"),
    says: "agent",
  },
  { id: "fast-inspection", spec: { inspectionMode: "fast" }, says: "ipmi" }, // W20
  { id: "power-conflict", spec: { online: false, disablePowerOff: true }, says: "disablePowerOff" }, // W21
  { id: "network-interfaces", spec: { networkInterfaces: [{}] }, says: "neither" }, // W22
  {
    id: "network-interfaces",
    spec: { networkInterfaces: [{ name: "eth0" }, { name: "ETH0" }] },
    says: "0 and 1",
  },
  { id: "bmc-address-missing", spec: bmc(""), says: "is empty" }, // B1
  {
    id: "bmc-credentials-missing",
    spec: { bmc: { address: "ipmi://h", credentialsName: "" } },
    says: "is empty",
  },
  { id: "hardware-profile", spec: { hardwareProfile: "toaster" }, says: "toaster" }, // B21 of the checklist
];

test.each(refused)("rule $id refuses $says", ({ id, spec, metadata, says }) => {
  const host = makeHost(spec, metadata);
  const rule = hostRules.find((each) => each.id === id && each.check(host) !== undefined);
  const admission = findViolations(host).map(({ message }) => message);
  const messages = [...admission, ...validateBareMetalHost(host)];
  expect(rule?.check(host)).toContain(says);
  expect(messages.some((message) => message.includes(says))).toBe(true);
});

test("every rule has a case that it refuses", () => {
  expect([...new Set(refused.map(({ id }) => id))].toSorted()).toEqual(
    hostRules.map(({ id }) => id).toSorted(),
  );
});

const accepted: readonly {
  readonly name: string;
  readonly spec?: object;
  readonly metadata?: object;
}[] = [
  { name: "a plain host" },
  {
    name: "an image with a checksum file",
    spec: { image: { url, checksum: "http://h/SHA256SUMS" } },
  },
  { name: "an ISO without checksum", spec: { image: { url, format: "live-iso" } } }, // B59
  { name: "an OCI image without checksum", spec: { image: { url: "oci://r/a:1" } } }, // B60
  {
    name: "a device by path",
    spec: { rootDeviceHints: { deviceName: "/dev/disk/by-path/pci-0" } },
  },
  { name: "secure boot by Redfish", spec: { ...bmc("redfish://b/x"), bootMode: "UEFISecureBoot" } },
  {
    name: "a detached annotation that is no JSON",
    metadata: annotated("baremetalhost.metal3.io/detached", "x"),
  },
  { name: "an empty reboot annotation", metadata: annotated("reboot.metal3.io", "") },
  { name: "a host without a BMC", spec: { bmc: undefined, bootMACAddress: undefined } },
  { name: "a bare address, which means IPMI", spec: bmc("192.0.2.1:6230") },
  {
    name: "a status annotation with states that upstream's list lacks",
    metadata: annotated(
      "baremetalhost.metal3.io/status",
      JSON.stringify(status({ operationalStatus: "servicing", errorType: "servicing error" })),
    ),
  },
];

test.each(accepted)("the rules accept $name", ({ spec, metadata }) => {
  const host = makeHost(spec, metadata);
  expect([...findViolations(host), ...validateBareMetalHost(host)]).toEqual([]);
});

test("a message never repeats a password in an address", () => {
  const host = makeHost({
    ...bmc("redfish://user:hunter2@h/"),
    image: { url: "http://u:hunter2@h/a", checksum },
  });
  expect(JSON.stringify(findViolations(host))).not.toContain("hunter2");
});

const withStatus = (host: ReturnType<typeof makeHost>, fields: object) =>
  ({ ...host, status: status(fields) }) as ReturnType<typeof makeHost>;

test("bmc.address cannot be changed past registering unless detached [W23 B85]", () => {
  const before = withStatus(makeHost(), {});
  const after = makeHost(bmc("ipmi://192.0.2.99"));
  expect(findUpdateViolations(after, before)[0]?.message).toContain("detach the host first");
  const detached = withStatus(makeHost(), { operationalStatus: "detached" });
  expect(findUpdateViolations(after, detached)).toEqual([]);
  const registering = withStatus(makeHost(), { provisioning: { state: "registering", ID: "" } });
  expect(findUpdateViolations(after, registering)).toEqual([]);
});

test("bootMACAddress cannot be changed once it is set, but its case can [W24 B102]", () => {
  const before = makeHost({ bootMACAddress: "52:54:00:aa:bb:cc" });
  const other = makeHost({ bootMACAddress: "52:54:00:aa:bb:cd" });
  const unset = makeHost({ bootMACAddress: undefined });
  const upper = makeHost({ bootMACAddress: "52:54:00:AA:BB:CC" });
  const text = "bootMACAddress can not be changed once it is set";
  expect(findUpdateViolations(other, before)[0]?.message).toContain(text);
  expect(findUpdateViolations(unset, before)[0]?.message).toContain(text);
  expect(findUpdateViolations(upper, before)).toEqual([]);
});

test("externallyProvisioned can be set from available only [W25 B92]", () => {
  const after = makeHost({ externallyProvisioned: true });
  const provisioned = withStatus(makeHost(), { provisioning: { state: "provisioned", ID: "" } });
  expect(findUpdateViolations(after, provisioned)[0]?.message).toContain('"provisioned"');
  expect(findUpdateViolations(after, withStatus(makeHost(), {}))).toEqual([]);
  expect(updateRules).toHaveLength(4);
});

const consumed = (name: string, more: object = {}) =>
  makeHost({
    consumerRef: {
      apiVersion: "infrastructure.cluster.x-k8s.io/v1beta2",
      kind: "Metal3Machine",
      name,
      ...more,
    },
  });
const elsewhere = { namespace: "another" };

test("a consumer is not replaced by another of its kind", () => {
  const text = 'and "metal/b" may not take the host over; remove spec.consumerRef first';
  expect(findUpdateViolations(consumed("b"), consumed("a"))[0]?.message).toContain(text);
  expect(findUpdateViolations(consumed("a", elsewhere), consumed("a"))).toHaveLength(1);
});

test.each([
  ["comes", makeHost(), consumed("a")],
  ["goes", consumed("a"), makeHost()],
  ["stays, and says its namespace", consumed("a"), consumed("a", { namespace: "metal" })],
  ["stays, of another version", consumed("a"), consumed("a", { apiVersion: "x/v1" })],
  ["gives the host to its Cluster for reuse", consumed("a"), consumed("c", { kind: "Cluster" })],
  ["is empty", consumed(""), consumed("a")],
])("a consumer that %s is no takeover", (_words, before, after) => {
  expect(findUpdateViolations(after, before)).toEqual([]);
});
