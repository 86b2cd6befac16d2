// A link hears at once of what somebody's work waits for, and soon of what only tells.
import { expect, test } from "vitest";
import type { LinkName, OutboxRow } from "./ports.ts";
import { wakeLinks } from "./wake-links.ts";

const row = (link: LinkName, kind: string): OutboxRow => ({
  link,
  key: undefined,
  hostUid: "u-1",
  delivery: { kind: "write", write: { kind } } as OutboxRow["delivery"],
});
const document: OutboxRow = {
  ...row("site:lab", ""),
  delivery: { kind: "remove-document", hostUid: "u-1", revision: 1 },
};
function heard(outbox: readonly OutboxRow[], isAwaited?: boolean): string[] {
  const calls: string[] = [];
  const notify = (topics: readonly string[], when = "now") =>
    void calls.push(`${when}: ${topics.join(" ")}`);
  wakeLinks({ notify }, outbox, isAwaited);
  return calls;
}

test("of what only tells a link hears soon", () => {
  const kinds = ["status", "provider-status", "event", "label-secret"];
  expect(heard(kinds.map((kind) => row("cluster:east", kind)))).toEqual(["soon: cluster:east"]);
  expect(heard([])).toEqual([]);
});

test("of anything else it hears at once, and of a status that work waits for", () => {
  const status = row("cluster:east", "status");
  for (const kind of ["host-patch", "provider-patch", "claim-secret", "metadata", "link-node"])
    expect(heard([status, row("cluster:east", kind)])).toEqual(["now: cluster:east"]);
  expect(heard([status, document])).toEqual(["now: site:lab", "soon: cluster:east"]);
  expect(heard([status, status], true)).toEqual(["now: cluster:east"]);
});
