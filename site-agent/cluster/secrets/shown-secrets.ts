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

export interface ShownSecrets {
  /** A watch begins: what it has not shown yet is not shown. */
  begin(): void;
  /** "namespace/name" of a Secret that is another than when it was shown last. */
  news(event: WatchEvent): string | undefined;
  /** Whether the present watch tells when it changes. */
  isShown(name: string): boolean;
}

export function makeShownSecrets(): ShownSecrets {
  let before = new Map<string, string>();
  let shown = new Map<string, string>();
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
      const version = `${metadata.uid} ${metadata.resourceVersion}`;
      const last = shown.get(name) ?? before.get(name);
      before.delete(name);
      if (type === "DELETED") shown.delete(name);
      else shown.set(name, version);
      return type === "DELETED" || last !== version ? name : undefined;
    },
    isShown: (name) => shown.has(name),
  };
}
