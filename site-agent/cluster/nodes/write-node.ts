// Does what the control plane asks of Nodes and of machines that go by them: each looks first, and what is found is told
// as a node fact.
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import { deleteMachine } from "../remediation/delete-machine.ts";
import { replaceNode } from "../remediation/replace-node.ts";
import type { WriteOutcome } from "../writes/write-attempt.ts";
import type { NodeWrite } from "../writes/write-back.ts";
import { leaveNode } from "./leave-node.ts";
import { linkNode, type LinkNodeDeps } from "./link-node.ts";
import { removeNode } from "./remove-node.ts";

type Writes = { readonly [W in NodeWrite as W["kind"]]: W };
type Writers = {
  readonly [K in keyof Writes]: (deps: LinkNodeDeps, write: Writes[K]) => Promise<WriteOutcome>;
};

const writers: Writers = {
  "delete-machine": deleteMachine,
  "leave-node": leaveNode,
  "link-node": linkNode,
  "remove-node": removeNode,
  "replace-node": replaceNode,
};

export function isNodeWrite(write: WriteBack): write is NodeWrite {
  return write.kind in writers;
}

export async function writeNode(deps: LinkNodeDeps, write: NodeWrite): Promise<WriteOutcome> {
  return await writeAs(deps, write.kind, write);
}

async function writeAs<K extends keyof Writes>(
  deps: LinkNodeDeps,
  kind: K,
  write: Writes[K],
): Promise<WriteOutcome> {
  return await writers[kind](deps, write);
}
