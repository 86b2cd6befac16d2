// Random statements of the machine side: what decisions claim and commit, what the cluster link tells of Nodes.
import type { MachineCommit, OutboxRow } from "../../../../control-plane/ports.ts";
import type { MachineMemory } from "../../../../shared/machine/snapshot.ts";
import type { NodeFact } from "../../../../shared/protocol/facts/node-fact.ts";
import type { StoredMachineRow } from "../../../simulation/store/rows.ts";
import {
  choose,
  clusters,
  hostUids,
  numberOf,
  rowOf,
  textOf,
  type Draw,
  type Statement,
} from "./draw.ts";

const nobody = { uid: "nobody", version: 1 };

function versionOf({ random }: Draw, row: StoredMachineRow | undefined): number {
  return (row?.version ?? nobody.version) - Number(random.chance(0.05));
}

export function claimHost(draw: Draw): Statement {
  const { random, tables } = draw;
  const row = rowOf(draw, tables.machines);
  const [uid, version] = [row?.uid ?? nobody.uid, versionOf(draw, row)];
  const near = [...tables.hosts.values()].filter(
    (host) => host.cluster === row?.cluster && host.namespace === row.namespace,
  );
  const candidates = [
    ...near.filter(() => random.chance(0.6)).map((host) => host.uid),
    ...(random.chance(0.3) ? [random.pick(hostUids), "unknown \0"] : []),
  ];
  return {
    name: "claimHost",
    given: { uid, version, candidates },
    run: (store) => store.claimHost(uid, version, candidates),
  };
}

export function commitMachine(draw: Draw): Statement {
  const { random } = draw;
  const row = rowOf(draw, draw.tables.machines);
  const uid = row?.uid ?? nobody.uid;
  const remembered = memory(draw);
  const commit: MachineCommit = {
    uid,
    version: versionOf(draw, row),
    memory: remembered,
    release: random.chance(0.3),
    waiting: random.chance(0.5),
    outbox: Array.from({ length: random.below(3) }, () => outboxRow(draw, uid, remembered)),
    wakeAtMs: random.chance(0.5) ? draw.nowMs() + random.below(100_000) : undefined,
    gone: random.chance(0.06),
  };
  return {
    name: "commitMachine",
    given: commit,
    run: (store) => store.commitMachine(commit),
  };
}

function memory(draw: Draw): MachineMemory {
  const { random } = draw;
  return {
    status: { text: textOf(draw), number: numberOf(draw) },
    ...(random.chance(0.5) ? { nodeAskedAtMs: draw.nowMs() } : {}),
    ...(random.chance(0.5) ? { told: textOf(draw) } : {}),
  };
}

function outboxRow(draw: Draw, uid: string, { status }: MachineMemory): OutboxRow {
  const { random } = draw;
  return {
    link: `cluster:${random.pick(clusters)}`,
    key: choose(draw, [
      undefined,
      `status:${uid}:0`,
      `status:${uid}:1`,
      `status:${uid}`,
      `host-patch:${uid}:h`,
      `provider-patch:${uid}:${uid}`,
    ]),
    hostUid: uid,
    delivery: {
      kind: "write",
      write: {
        kind: "provider-status",
        resource: "metal3machines",
        namespace: "metal",
        name: "n",
        uid,
        status: random.pick([{ text: "one" }, { text: "two" }, { ...status }]),
      },
    },
  };
}

export function applyNodes(draw: Draw): Statement {
  const { random } = draw;
  const row = rowOf(draw, draw.tables.machines);
  const cluster = random.chance(0.9) ? (row?.cluster ?? "east") : random.pick(clusters);
  const facts = Array.from({ length: random.below(3) }, (): NodeFact => ({
    machineUid: (random.chance(0.7) ? row : rowOf(draw, draw.tables.machines))?.uid ?? nobody.uid,
    outcome: random.pick(["linked", "missing"]),
    ...(random.chance(0.2) ? { message: textOf(draw) } : {}),
  }));
  return {
    name: "applyNodes",
    given: { cluster, facts },
    run: (store) => store.applyNodes(cluster, facts),
  };
}

export function restMachine(draw: Draw): Statement {
  const row = rowOf(draw, draw.tables.machines);
  const [uid, version] = [row?.uid ?? nobody.uid, versionOf(draw, row)];
  return {
    name: "restMachine",
    given: { uid, version },
    run: (store) => store.restMachine(uid, version),
  };
}

export function loadMachine(draw: Draw): Statement {
  const uid = rowOf(draw, draw.tables.machines)?.uid ?? nobody.uid;
  const { random } = draw;
  const filter = {
    cluster: random.chance(0.3) ? random.pick(clusters) : undefined,
    afterUid: random.chance(0.3) ? uid : undefined,
  };
  return {
    name: "reads of machines",
    given: { uid, filter },
    run: async (store) => [await store.loadMachine(uid), await store.listMachines(filter)],
  };
}
