// Whose Node it is: the surest sign decides, weaker ones only where no surer one speaks against it.
import { expect, test } from "vitest";
import { findNodes, type NodeSigns } from "./find-node.ts";
import { readNode, type WorkloadNode } from "./workload-node.ts";

const signs: NodeSigns = {
  providerID: "metal3://horses/m1/w1",
  hostUid: "host-1",
  systemUuid: "4C4C4544-0042-3510-8052-B4C04F384E32",
  hostnames: ["Worker-1.example", "localhost"],
};
/** Every Node here has it. */
const address = "192.0.2.10";

interface Given {
  readonly name?: string;
  readonly providerID?: string;
  readonly hostUid?: string;
  readonly systemUUID?: string;
  readonly hostname?: string;
}

function node({ name = "n", providerID, hostUid, systemUUID, hostname }: Given): WorkloadNode {
  const read = readNode({
    metadata: {
      name,
      uid: `uid-${name}`,
      resourceVersion: "1",
      labels: hostUid === undefined ? {} : { "metal3.io/uuid": hostUid },
    },
    spec: providerID === undefined ? {} : { providerID },
    status: {
      nodeInfo: { systemUUID: systemUUID ?? "" },
      addresses: [
        { type: "InternalIP", address },
        ...(hostname === undefined ? [] : [{ type: "Hostname", address: hostname }]),
      ],
    },
  });
  if (read === undefined) throw new Error("no Node");
  return read;
}

const byProviderID = node({ name: "by-provider", providerID: signs.providerID });
const byLabel = node({ name: "by-label", hostUid: "host-1" });
const byUuid = node({ name: "by-uuid", systemUUID: "4c4c4544-0042-3510-8052-b4c04f384e32" });
const byHostname = node({ name: "by-hostname", hostname: "worker-1.EXAMPLE" });
const stranger = node({ name: "stranger", providerID: "metal3://horses/m2/w2", hostUid: "host-2" });

const names = (all: readonly WorkloadNode[], over: Partial<NodeSigns> = {}) =>
  findNodes(all, { ...signs, ...over }).nodes.map(({ name }) => name);

test("the surest sign decides", () => {
  const all = [stranger, byHostname, byUuid, byLabel, byProviderID];
  expect(names(all)).toEqual(["by-provider"]);
  expect(names(all.slice(0, 4))).toEqual(["by-label"]);
  expect(names(all.slice(0, 3))).toEqual(["by-uuid"]);
  expect(names(all.slice(0, 2))).toEqual(["by-hostname"]);
  expect(names([stranger])).toEqual([]);
  expect(findNodes([stranger], signs).by).toBe("");
});

test("a sign that several carry finds them all", () => {
  const other = node({ name: "other", hostUid: "host-1", providerID: "metal3://horses/m1/w0" });
  expect(names([byLabel, other])).toEqual(["by-label", "other"]);
  expect(findNodes([byLabel, other], signs).by).toBe("label metal3.io/uuid=host-1");
});

test("a system UUID counts in either byte order", () => {
  const swapped = node({ name: "swapped", systemUUID: "44454C4C-4200-1035-8052-b4c04f384e32" });
  expect(names([swapped])).toEqual(["swapped"]);
  const halfSwapped = node({ systemUUID: "44454c4c-0042-3510-8052-b4c04f384e32" });
  expect(names([halfSwapped])).toEqual([]);
});

test.each([
  "00000000-0000-0000-0000-000000000000",
  "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF",
  "03000200-0400-0500-0006-000700080009",
  "00020003-0004-0005-0006-000700080009",
  "Not Specified",
  "",
])("a system UUID of nobody (%s) finds nothing", (systemUuid) => {
  expect(names([node({ systemUUID: systemUuid })], { systemUuid })).toEqual([]);
});

test("a Node that says to be on another host is not found by weaker signs", () => {
  const elsewhere = { hostUid: "host-2", systemUUID: signs.systemUuid! };
  expect(
    names([node(elsewhere), node({ hostUid: "host-2", hostname: "worker-1.example" })]),
  ).toEqual([]);
});

test("a hostname of nobody finds nothing, and no sign is no Node", () => {
  expect(names([node({ name: "localhost" })])).toEqual([]);
  const { systemUuid: _none, ...without } = signs;
  expect(findNodes([byUuid, node({ name: "" })], { ...without, hostnames: [""] }).nodes).toEqual(
    [],
  );
});

test("findNodes knows a Node by an internal address, where no surer sign speaks against it", () => {
  const known = { ...signs, addresses: [address] };
  const named = node({ name: "b", hostname: "worker-1.example" });
  expect(
    findNodes([node({ name: "a" }), node({ name: "c", hostUid: "host-2" })], known),
  ).toMatchObject({
    nodes: [{ name: "a" }],
    by: `address ${address}`,
  });
  expect(findNodes([named, node({ hostUid: "host-2" })], signs)).toMatchObject({
    nodes: [{ name: "b" }],
  });
  const sure = node({ name: "d", systemUUID: signs.systemUuid ?? "" });
  expect(findNodes([node({ name: "a" }), sure], known)).toMatchObject({ nodes: [{ name: "d" }] });
});
