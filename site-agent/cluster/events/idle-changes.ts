// Which changes of a followed object no work waits for: most are our own statuses that come back, and the counts and
// messages of cluster-api. They are told, too, but may be told together. What is taken for one too many is told later by
// that, and nothing else.
import { z } from "zod";
import { sha256Hex } from "../../../shared/host/document/canonical-json.ts";
import type { FeedResource } from "../../../shared/protocol/feed.ts";
import type { WatchEvent } from "../port.ts";

const anything = z.unknown().optional();
const followed = z.looseObject({
  metadata: z.looseObject({ uid: z.string() }),
  status: z
    .looseObject({
      provisioning: z.looseObject({ state: anything }).optional(),
      initialization: z.looseObject({ infrastructureProvisioned: anything }).optional(),
      nodeRef: anything,
      deprecated: z
        .looseObject({
          v1beta1: z
            .looseObject({
              conditions: z.array(z.looseObject({ type: anything, status: anything })),
            })
            .optional(),
        })
        .optional(),
    })
    .optional(),
});
type Status = z.infer<typeof followed>["status"];

/** What work waits for in a status. Of other resources each change counts. */
const awaited: Partial<Record<FeedResource, (status: Status) => unknown>> = {
  baremetalhosts: (status) => status?.provisioning?.state,
  metal3clusters: () => undefined,
  metal3machines: () => undefined,
  "machines.cluster.x-k8s.io": (status) => [
    status?.initialization?.infrastructureProvisioned,
    status?.nodeRef,
    (status?.deprecated?.v1beta1?.conditions ?? [])
      .filter(({ status: verdict }) => verdict === "True")
      .map(({ type }) => type),
  ],
};

/** Of one watch: says of each of its events, as they come, whether it is idle. */
export function idleChanges(resource: FeedResource): (event: WatchEvent) => boolean {
  const awaitedOf = awaited[resource];
  const last = new Map<string, string>();
  return ({ type, object }) => {
    const read = followed.safeParse(object);
    if (awaitedOf === undefined || type === "BOOKMARK" || !read.success) return false;
    const { uid } = read.data.metadata;
    if (type !== "ADDED" && type !== "MODIFIED") {
      last.delete(uid);
      return false;
    }
    const before = last.get(uid);
    const now = sha256Hex(JSON.stringify(essence(read.data, awaitedOf)));
    last.set(uid, now);
    return before === now;
  };
}

function essence(
  { metadata, status, ...object }: z.infer<typeof followed>,
  awaitedOf: (status: Status) => unknown,
): unknown {
  const { resourceVersion: _version, managedFields: _fields, ...rest } = metadata;
  return [object, rest, awaitedOf(status)];
}
