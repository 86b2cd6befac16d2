// The labelled Secrets as a watch shows them, by version: each watch begins by showing all of them anew, and most are
// as they were. Holds no content.
import { z } from "zod";
import type { WatchEvent } from "../port.ts";

const namedObject = z.looseObject({
  metadata: z.looseObject({
    name: z.string(),
    namespace: z.string(),
    uid: z.string(),
    resourceVersion: z.string(),
  }),
});

export interface ShownVersion {
  readonly uid: string;
  readonly resourceVersion: string;
}

export interface ShownSecrets {
  /** A watch begins: what it has not shown yet is not shown. */
  begin(): void;
  /** "namespace/name" of a Secret that is another than when it was shown last. */
  news(event: WatchEvent): string | undefined;
  /** As the present watch, which tells when it changes, has it; undefined: it does not show it. */
  shown(name: string): ShownVersion | undefined;
}

export function makeShownSecrets(): ShownSecrets {
  let before = new Map<string, ShownVersion>();
  let shown = new Map<string, ShownVersion>();
  return {
    begin() {
      if (shown.size === 0) return;
      before = shown;
      shown = new Map();
    },
    news({ type, object }) {
      const { metadata } = namedObject.safeParse(object).data ?? {};
      if (metadata === undefined) return undefined;
      const name = `${metadata.namespace}/${metadata.name}`;
      const { uid, resourceVersion } = metadata;
      const last = shown.get(name) ?? before.get(name);
      before.delete(name);
      if (type === "DELETED") shown.delete(name);
      else shown.set(name, { uid, resourceVersion });
      const isSame = last?.uid === uid && last.resourceVersion === resourceVersion;
      return type === "DELETED" || !isSame ? name : undefined;
    },
    shown: (name) => shown.get(name),
  };
}

export function uidOf({ object }: WatchEvent): string | undefined {
  return namedObject.safeParse(object).data?.metadata.uid;
}
