// Hop 8 of 8: writes the control plane's word into Kubernetes. Every write is idempotent and bound to the uid
// that was meant: a target that is gone, or has another uid, counts as done.
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import type { KubernetesApi } from "../port.ts";
import {
  attempt,
  fetchHost,
  fieldManager,
  hostApi,
  hostPath,
  type WriteOutcome,
} from "./write-attempt.ts";
import { writeEvent } from "./write-event.ts";
import { releaseHardwareData, writeHardwareData } from "./write-hardware-data.ts";
import { writeArchitecture, writeMetadata } from "./write-host.ts";
import { claimSecret, releaseSecret } from "./write-secret.ts";

type Kind = WriteBack["kind"];
type Write<K extends Kind> = Extract<WriteBack, { kind: K }>;

/** Does one write. Failures are values: `retry` false means that trying again cannot help. */
export async function writeBackTo(api: KubernetesApi, write: WriteBack): Promise<WriteOutcome> {
  switch (write.kind) {
    case "status":
      return await writeStatus(api, write);
    case "metadata":
      return await writeMetadata(api, write);
    case "architecture":
      return await writeArchitecture(api, write);
    case "hardware-data":
      return await writeHardwareData(api, write);
    case "release-hardware-data":
      return await releaseHardwareData(api, write);
    case "claim-secret":
      return await claimSecret(api, write);
    case "release-secret":
      return await releaseSecret(api, write);
    case "event":
      return await writeEvent(api, write);
  }
}

/**
 * Replaces the whole status. Server-side apply would leave fields that another operator wrote before us, such
 * as an old error, for ever.
 */
async function writeStatus(api: KubernetesApi, write: Write<"status">): Promise<WriteOutcome> {
  const found = await fetchHost(api, write);
  if (!found.ok) return found.outcome;
  return await attempt(api, {
    method: "PUT",
    path: `${hostPath(write)}/status?fieldManager=${fieldManager}`,
    body: { apiVersion: hostApi, kind: "BareMetalHost", ...found.host, status: write.status },
  });
}
