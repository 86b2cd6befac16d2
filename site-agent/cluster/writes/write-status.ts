// The status of a host, whole. Server-side apply would leave fields that another operator wrote before us, such as an
// old error, for ever.
import { z } from "zod";
import { isLost } from "../../../shared/host/status/stamps.ts";
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import type { KubernetesApi } from "../port.ts";
import {
  attempt,
  fetchHost,
  fieldManager,
  hostApi,
  hostPath,
  type Fetched,
  type WriteOutcome,
} from "./write-attempt.ts";

type StatusWrite = Extract<WriteBack, { kind: "status" }>;

export async function writeStatus(api: KubernetesApi, write: StatusWrite): Promise<WriteOutcome> {
  const found = await fetchHost(api, write);
  if (!found.ok) return found.outcome;
  const [is, becomes] = [shownGeneration(found.object), observedGeneration(write.status)];
  if (becomes < is) {
    const message = `the status there is about generation ${is} of the host, this one about ${becomes}`;
    return { ok: false, message, retry: false };
  }
  const { lastUpdated } = stamped.safeParse(found.object["status"]).data ?? {};
  if (write.over !== undefined && isLost(lastUpdated, write.over)) {
    const message = `a status of ${lastUpdated} is there, of which nothing was known when this one was decided`;
    return { ok: false, message, retry: false };
  }
  return await attempt(api, {
    method: "PUT",
    path: `${hostPath(write)}/status?fieldManager=${fieldManager}`,
    body: { apiVersion: hostApi, kind: "BareMetalHost", ...found.object, status: write.status },
  });
}

const stamped = z.object({ lastUpdated: z.string() });
const observing = z.object({
  conditions: z.array(z.object({ observedGeneration: z.int().optional() })),
});
const generated = z.object({ generation: z.int() });

/** The newest that a status is about; 0 when it does not say. */
function observedGeneration(status: unknown): number {
  const { conditions = [] } = observing.safeParse(status).data ?? {};
  return Math.max(0, ...conditions.map((condition) => condition.observedGeneration ?? 0));
}

/** What a backup brought along may be about more than the host ever was: that says nothing. */
function shownGeneration({ metadata, status }: Fetched): number {
  const { generation = 0 } = generated.safeParse(metadata).data ?? {};
  const shown = observedGeneration(status);
  return shown <= generation ? shown : 0;
}
