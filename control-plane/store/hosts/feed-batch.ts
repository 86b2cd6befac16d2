// A feed batch in the form that both feed statements take: one entry per object (the last of several events
// decides), versions as decimal text. Stores nothing.
import type { FeedBatch, FeedObject } from "../../../shared/protocol/feed.ts";
import { jsonText } from "../json-text.ts";

export interface FoldedBatch {
  /**
   * For jsonb_to_recordset: uid, namespace, name, rv, object, deleted, and `forms`: rv and names of the annotations of
   * each version of the object in the batch.
   */
  readonly items: string;
  /** At most four: the planner, which takes any JSON for a hundred rows, is told so. */
  readonly few: boolean;
  /** Watch: the cursor that the batch goes on from. List: null. */
  readonly from: string | null;
  /** List: the cursor that it was made at; null, a page is taken at any. */
  readonly replaces: string | null;
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
      few: batch.items.length <= 4,
      from: null,
      replaces: batch.replaces ?? null,
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
    few: batch.events.length <= 4,
    from: batch.fromResourceVersion,
    replaces: null,
    to: batch.toResourceVersion,
    listId: null,
    listVersion: null,
    last: false,
  };
}

function itemsOf(entries: readonly { object: FeedObject; deleted: boolean }[]): string {
  const byUid = new Map(entries.map((entry) => [entry.object.metadata.uid, entry]));
  const forms = formsOf(entries.map(({ object }) => object));
  return jsonText(
    [...byUid.values()].map(({ object, deleted }) => ({
      uid: object.metadata.uid,
      namespace: object.metadata.namespace ?? "",
      name: object.metadata.name,
      rv: object.metadata.resourceVersion,
      object,
      deleted,
      forms: forms.get(object.metadata.uid),
    })),
  );
}

interface Form {
  readonly rv: string;
  readonly names: readonly string[];
}

function formsOf(objects: readonly FeedObject[]): ReadonlyMap<string, readonly Form[]> {
  const forms = new Map<string, Form[]>();
  for (const { metadata } of objects) {
    const names = Object.keys(annotationsOf(metadata));
    const form = { rv: metadata.resourceVersion, names };
    forms.set(metadata.uid, [...(forms.get(metadata.uid) ?? []), form]);
  }
  return forms;
}

/** Whatever else stands there is no annotation. */
export function annotationsOf({ annotations }: FeedObject["metadata"]): object {
  return typeof annotations === "object" && annotations !== null ? annotations : {};
}
