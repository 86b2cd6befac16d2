// Which Nodes of a workload cluster are one machine's: by the surest sign that any of them carries.
import type { WorkloadNode } from "./workload-node.ts";

export interface NodeSigns {
  readonly providerID: string;
  readonly hostUid: string;
  readonly systemUuid?: string | undefined;
  readonly hostnames: readonly string[];
  readonly addresses?: readonly string[] | undefined;
}

export interface FoundNodes {
  readonly nodes: readonly WorkloadNode[];
  /** For people: the sign that they carry, "" when there are none. */
  readonly by: string;
}

export function findNodes(all: readonly WorkloadNode[], signs: NodeSigns): FoundNodes {
  const { providerID, hostUid, addresses = [] } = signs;
  const uuids = formsOf(signs.systemUuid);
  const names = signs.hostnames
    .map((each) => each.toLowerCase())
    .filter((each) => !namesOfNobody.has(each));
  // What says itself to be on another host is not taken for ours by a weaker sign.
  const isOthers = (node: WorkloadNode) => (node.hostUid ?? hostUid) !== hostUid;
  const rules: readonly (readonly [string, (node: WorkloadNode) => boolean])[] = [
    [`providerID "${providerID}"`, (node) => node.providerID === providerID],
    [`label metal3.io/uuid=${hostUid}`, (node) => node.hostUid === hostUid],
    [
      `system UUID ${signs.systemUuid ?? ""}`,
      (node) => uuids.includes(node.systemUuid?.toLowerCase() ?? "") && !isOthers(node),
    ],
    [
      `address ${addresses.join(" or ")}`,
      (node) => node.addresses.some((each) => addresses.includes(each)) && !isOthers(node),
    ],
    [
      `hostname ${names.join(" or ")}`,
      (node) => node.hostnames.some((name) => names.includes(name)) && !isOthers(node),
    ],
  ];
  for (const [by, matches] of rules) {
    const nodes = all.filter(matches);
    if (nodes.length > 0) return { nodes, by };
  }
  return { nodes: [], by: "" };
}

/** What machines report that were never told a name. */
const namesOfNobody = new Set(["", "localhost", "localhost.localdomain"]);

/** What boards report whose maker wrote none. */
const uuidsOfNobody = [
  /^[0-]+$/,
  /^[f-]+$/,
  // The default of a BIOS maker.
  /^03000200-0400-0500-0006-000700080009$/,
];

/**
 * As it is and with its first three groups in the other byte order: SMBIOS before 2.6 did not fix the order, and
 * firmware and kernels disagree (DMTF DSP0134, 7.2.1).
 */
function formsOf(uuid: string | undefined): readonly string[] {
  const text = uuid?.toLowerCase() ?? "";
  if (!/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)) return [];
  const groups = text.split("-");
  const swapped = groups.map((group, at) => (at < 3 ? swappedBytes(group) : group)).join("-");
  const forms = [text, swapped];
  return forms.some((form) => uuidsOfNobody.some((nobody) => nobody.test(form))) ? [] : forms;
}

function swappedBytes(hex: string): string {
  return (hex.match(/../g) ?? []).toReversed().join("");
}
