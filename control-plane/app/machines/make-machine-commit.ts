// A decision of the machine side → everything that its statement writes. Pure.
import type { MachineDecision } from "../../../shared/machine/decision.ts";
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import type { LinkName, MachineCommit, MachineRow, OutboxRow } from "../../ports.ts";

export function makeMachineCommit(row: MachineRow, decision: MachineDecision): MachineCommit {
  const { uid, version, cluster } = row;
  const { memory, release, writes, next } = decision;
  const link: LinkName = `cluster:${cluster}`;
  return {
    uid,
    version,
    memory,
    release,
    waiting: next.kind === "wait" && next.awaited.includes("free-host"),
    outbox: writes.map((write): OutboxRow => ({
      link,
      key: keyOf(uid, write),
      hostUid: uid,
      delivery: { kind: "write", write },
    })),
    wakeAtMs: next.kind === "wait" ? next.wakeAtMs : undefined,
    gone: next.kind === "gone",
  };
}

/**
 * Each decision is made from what Kubernetes shows, so that its word about a target is the whole one: it takes the
 * place of an older word that still waits. An Event stands for itself.
 */
function keyOf(uid: string, write: WriteBack): string {
  if (write.kind === "provider-status") return `status:${uid}`;
  if (write.kind === "event") return `event:${uid}:${write.eventName}`;
  if (write.kind === "label-secret") return `label-secret:${uid}:${write.uid}:${write.secretName}`;
  return `${write.kind}:${uid}:${write.uid}`;
}
