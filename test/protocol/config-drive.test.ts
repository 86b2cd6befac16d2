// isoinfo and xorriso read the config drive's file system; cloud-init's own reader reads its content.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { cached } from "../../infra/preparation/cache.ts";
import { ensureDebianPackages } from "../../infra/preparation/debian-packages.ts";
import { silentProgress } from "../../infra/preparation/progress.ts";
import { runProgram } from "../../infra/preparation/run-program.ts";
import { buildConfigDrive } from "../../site-agent/imaging/config-drive-image.ts";

const userData = "#cloud-config\npackages: [curl]\n";
const networkData = `
links:
- {id: eno1, type: phy, ethernet_mac_address: "52:54:00:12:34:56", mtu: 9000}
- {id: bond0.7, type: vlan, vlan_id: 7, vlan_link: eno1, vlan_mac_address: "52:54:00:12:34:56"}
networks:
- {id: n0, type: ipv4_dhcp, link: eno1}
- id: n1
  type: ipv4
  link: bond0.7
  ip_address: 192.0.2.10
  netmask: 255.255.255.0
  routes: [{network: 0.0.0.0, netmask: 0.0.0.0, gateway: 192.0.2.1}]
services:
- {type: dns, address: 192.0.2.53}
`;
let folder = "";
let image = "";

beforeAll(async () => {
  await ensureDebianPackages(["genisoimage", "xorriso"], silentProgress);
  folder = await mkdtemp(join(tmpdir(), "farrier-config-drive-"));
  const text = (value: string): Uint8Array => new TextEncoder().encode(value);
  const drive = buildConfigDrive({
    uid: "3f1c9a52-8d0f-4a51-9b5e-6f1f5f6f7a01",
    namespace: "metal3",
    name: "node-0",
    userData: text(userData),
    networkData: text(networkData),
    metaData: text("rack: r7\nlocal-hostname: web-0\n"),
  });
  if (!drive.ok) throw new Error(drive.error.message);
  image = join(folder, "drive.iso");
  await writeFile(image, drive.value);
});
afterAll(() => rm(folder, { recursive: true }));

test("config drive has label, Joliet names and file sizes for isoinfo when it is read", async () => {
  const volume = await runProgram("isoinfo", ["-d", "-i", image]);
  expect(volume.stdout).toContain("Volume id: config-2\n");
  expect(volume.stdout).toContain("Joliet with UCS level 3 found");
  const joliet = await runProgram("isoinfo", ["-J", "-f", "-i", image]);
  expect(joliet.stdout.split("\n")).toContain("/openstack/latest/meta_data.json;1");
  const primary = await runProgram("isoinfo", ["-l", "-i", image]);
  expect(primary.stdout).toMatch(new RegExp(` ${userData.length} Jan .* USER_DATA.;1`));
  const label = await runProgram("blkid", ["-p", "-o", "export", image]);
  expect(label.stdout).toContain("LABEL=config-2\n");
  expect(label.stdout).toContain("TYPE=iso9660\n");
});

test("config drive means for cloud-init what the Secrets say when xorriso has unpacked it", async () => {
  const files = join(folder, "files");
  await runProgram("xorriso", ["-osirrox", "on", "-indev", image, "-extract", "/", files]);
  const script = `
import json, sys
sys.path.insert(0, sys.argv[1])
from cloudinit.sources.helpers import openstack
results = openstack.ConfigDriveReader(sys.argv[2]).read_v2()
macs = {"52:54:00:12:34:56": "eno1"}
network = openstack.convert_net_json(results["networkdata"], known_macs=macs)
print(json.dumps({
    "metadata": results["metadata"],
    "userdata": results["userdata"].decode(),
    "network": network,
}))
`;
  // Debian's own Python: another one in PATH does not see these modules.
  const read = await runProgram("/usr/bin/python3", ["-c", script, await unpackCloudInit(), files]);
  const seen: unknown = JSON.parse(read.stdout);
  expect(seen).toMatchObject({
    metadata: {
      "instance-id": "3f1c9a52-8d0f-4a51-9b5e-6f1f5f6f7a01",
      "local-hostname": "web-0",
      local_hostname: "node-0",
      "metal3-namespace": "metal3",
      rack: "r7",
    },
    userdata: userData,
    network: {
      version: 1,
      config: [
        { type: "physical", name: "eno1", mtu: 9000, subnets: [{ type: "dhcp4" }] },
        {
          type: "vlan",
          vlan_id: 7,
          vlan_link: "eno1",
          subnets: [{ type: "static", address: "192.0.2.10", netmask: "255.255.255.0" }],
        },
        { type: "nameserver", address: "192.0.2.53" },
      ],
    },
  });
});

/** Unpacked and never installed: an installed cloud-init would act on this machine at its next boot. */
async function unpackCloudInit(): Promise<string> {
  const modules = [
    "yaml",
    "requests",
    "configobj",
    "jinja2",
    "jsonschema",
    "oauthlib",
    "netifaces",
  ];
  await ensureDebianPackages(
    ["python3", ...modules.map((name) => `python3-${name}`)],
    silentProgress,
  );
  const { dir } = await cached("cloud-init", "Debian, unpacked", async (into) => {
    await runProgram("apt-get", ["download", "cloud-init"], { cwd: into });
    await runProgram("sh", ["-c", "dpkg-deb --extract cloud-init_*.deb ."], { cwd: into });
  });
  return join(dir, "usr/lib/python3/dist-packages");
}
