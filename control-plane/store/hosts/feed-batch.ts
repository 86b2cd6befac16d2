// A feed batch in the form that both feed statements take: one entry per object (the last of several events
// decides), versions as decimal text. Stores nothing.
import type { FeedBatch, FeedObject } from "../../../shared/protocol/feed.ts";
import { jsonText } from "../json-text.ts";

export interface FoldedBatch {
  /** For jsonb_to_recordset: uid, namespace, name, rv, object, deleted. */
  readonly items: string;
  /** Watch: the cursor that the batch goes on from. List: null, a page is taken at any cursor. */
  readonly from: string | null;
  readonly to: string;
  readonly listId: string | null;
  /** Decimal text; null for a watch. */
  readonly listVersion: string | null;
  readonly last: boolean;
}

export function foldBatch(batch: FeedBatch): FoldedBatch {
  if (batch.kind === "list") {
    return {
      items: itemsOf(batch.items.map((object) => ({ object, deleted: false }))),
      from: null,
      to: batch.resourceVersion,
      listId: batch.listId,
      listVersion: batch.resourceVersion,
      last: batch.last,
    };
  }
  return {
    items: itemsOf(
      batch.events.map(({ type, object }) => ({ object, deleted: type === "DELETED" })),
    ),
    from: batch.fromResourceVersion,
    to: batch.toResourceVersion,
    listId: null,
    listVersion: null,
    last: false,
  };
}

function itemsOf(entries: readonly { object: FeedObject; deleted: boolean }[]): string {
  const byUid = new Map(entries.map((entry) => [entry.object.metadata.uid, entry]));
  return jsonText(
    [...byUid.values()].map(({ object, deleted }) => ({
      uid: object.metadata.uid,
      namespace: object.metadata.namespace ?? "",
      name: object.metadata.name,
      rv: object.metadata.resourceVersion,
      object,
      deleted,
    })),
  );
}
