// Tells the API server where versions are converted: puts URL and certificate into Farrier's definitions, and again
// when they were applied anew. A definition whose conversion is a Service belongs to another provider: hands off.
import { z } from "zod";
import { toBase64 } from "../../../shared/bytes.ts";
import {
  conversionPlaceholder,
  convertedDefinitions,
} from "../../../shared/capm3/conversion/webhook.ts";
import type { Clock, Log } from "../../ports.ts";
import type { KubernetesApi } from "../port.ts";

export interface ConversionOffer {
  readonly url: string;
  /** PEM. */
  readonly certPem: string;
}

const definition = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  spec: z.looseObject({
    conversion: z
      .looseObject({
        webhook: z
          .looseObject({
            clientConfig: z
              .looseObject({ url: z.string().optional(), caBundle: z.string().optional() })
              .optional(),
          })
          .optional(),
      })
      .optional(),
  }),
});

/** Whoever applies the definitions anew takes our URL away till then. */
const lookAgainMs = 15_000;
const retryMs = 5_000;

/** "offered" by this agent or "elsewhere" by another; otherwise the sentence that says what is in the way. */
type Outcome = "offered" | "elsewhere" | { readonly obstacle: string };

/** Runs until the signal aborts. */
export async function offerConversion(
  deps: { readonly api: KubernetesApi; readonly clock: Clock; readonly log: Log },
  offer: ConversionOffer,
  signal: AbortSignal,
): Promise<void> {
  const told = new Map<string, string>();
  // An agent that starts takes over from one that may be gone; after that it leaves another's URL alone.
  const isMine = new Set<string>();
  while (!signal.aborted) {
    let waitMs = lookAgainMs;
    for (const name of convertedDefinitions) {
      const outcome = await offerIn(deps.api, name, offer, isMine.has(name));
      if (outcome === "offered") isMine.add(name);
      if (typeof outcome !== "string") waitMs = retryMs;
      tell(deps.log, told, name, outcome);
    }
    await deps.clock.sleep(waitMs, signal);
  }
}

/** Once, until it changes. */
function tell(log: Log, told: Map<string, string>, definition: string, outcome: Outcome): void {
  const text = typeof outcome === "string" ? outcome : outcome.obstacle;
  if (told.get(definition) === text) return;
  told.set(definition, text);
  if (typeof outcome === "string") log.info("conversion of versions", { definition, outcome });
  else log.warn("versions are not converted", { definition, reason: text });
}

async function offerIn(
  api: KubernetesApi,
  name: string,
  offer: ConversionOffer,
  wasMine: boolean,
): Promise<Outcome> {
  const path = `/apis/apiextensions.k8s.io/v1/customresourcedefinitions/${name}`;
  const held = await read(api, path);
  if ("obstacle" in held) return held;
  const caBundle = toBase64(new TextEncoder().encode(offer.certPem));
  const isSame = held.url === offer.url;
  if (isSame && held.caBundle === caBundle) return "offered";
  if (wasMine && !isSame && held.url !== conversionPlaceholder) return "elsewhere";
  const { resourceVersion } = held;
  return await write(api, path, { resourceVersion, clientConfig: { url: offer.url, caBundle } });
}

interface Held {
  readonly url: string;
  readonly caBundle: string | undefined;
  readonly resourceVersion: string;
}

async function read(
  api: KubernetesApi,
  path: string,
): Promise<Held | { readonly obstacle: string }> {
  const answer = await api.request({ method: "GET", path });
  if (!answer.ok) return { obstacle: answer.error.message };
  const { status, body } = answer.value;
  if (status === 404) return { obstacle: "It is not installed: apply infra/crds." };
  const parsed = definition.safeParse(body);
  if (status !== 200 || !parsed.success) {
    return { obstacle: `It cannot be read (${status}): apply Farrier's RBAC manifests.` };
  }
  const { metadata, spec } = parsed.data;
  const { url, caBundle } = spec.conversion?.webhook?.clientConfig ?? {};
  return url === undefined
    ? { obstacle: "Its conversion is not Farrier's: replace it by the one of infra/crds." }
    : { url, caBundle, resourceVersion: metadata.resourceVersion };
}

async function write(
  api: KubernetesApi,
  path: string,
  change: { readonly resourceVersion: string; readonly clientConfig: object },
): Promise<Outcome> {
  const { resourceVersion, clientConfig } = change;
  const body = {
    metadata: { resourceVersion },
    spec: { conversion: { webhook: { clientConfig } } },
  };
  const answer = await api.request({ method: "PATCH", path, patch: "merge", body });
  if (!answer.ok) return { obstacle: answer.error.message };
  const { status } = answer.value;
  return status === 200 ? "offered" : { obstacle: `It cannot be written (${status}).` };
}
