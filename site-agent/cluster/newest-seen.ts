// The newest version of each resource that the API server has shown. A list that is older comes from a server that
// lags behind: a control plane that knows nothing would take it for the truth, and write old statuses over newer ones.
import type { FeedResource } from "../../shared/protocol/feed.ts";

/** In a row; lists are tried each second. After that the server itself must be an older one, as from a backup. */
const mostRefusals = 60;

export interface NewestSeen {
  /** Decimal. */
  note(resource: FeedResource, version: string): void;
  /** Whether a list of that version may be used. */
  accepts(resource: FeedResource, version: string): boolean;
  /** The server says that it is older itself. */
  forget(resource: FeedResource): void;
}

export function makeNewestSeen(): NewestSeen {
  const newest = new Map<FeedResource, bigint>();
  const refusals = new Map<FeedResource, number>();
  return {
    note(resource, version) {
      const seen = BigInt(version);
      if (seen > (newest.get(resource) ?? 0n)) newest.set(resource, seen);
    },
    accepts(resource, version) {
      const count = (refusals.get(resource) ?? 0) + 1;
      const isOlder = BigInt(version) < (newest.get(resource) ?? 0n);
      if (isOlder && count <= mostRefusals) {
        refusals.set(resource, count);
        return false;
      }
      if (isOlder) newest.delete(resource);
      refusals.delete(resource);
      return true;
    },
    forget: (resource) => void newest.delete(resource),
  };
}
