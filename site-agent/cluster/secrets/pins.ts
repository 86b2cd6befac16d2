// The pinned sealing keys: fingerprints of the sites' keys in a ConfigMap of the cluster itself. A key seen for
// the first time is written there; a changed one is refused until a person removes the old pin, so that a control
// plane cannot hand out a key of its own.
import { z } from "zod";
import { toHex, fromBase64 } from "../../../shared/bytes.ts";
import type { SiteKey } from "../../../shared/protocol/frames.ts";
import { err, ok, type Result } from "../../../shared/result.ts";
import type { Crypto } from "../../ports.ts";
import type { KubernetesAnswer, KubernetesApi } from "../port.ts";

const namespace = "farrier-system";
const name = "farrier-site-keys";
const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;

const configMap = z.looseObject({
  metadata: z.looseObject({ resourceVersion: z.string() }),
  data: z.record(z.string(), z.string()).optional(),
});

/** pin: a person must look · denied: Kubernetes forbids it · unreachable: it passes. */
export type PinError = "pin" | "denied" | "unreachable";

export interface PinnedKey {
  readonly raw: Uint8Array;
  /** SHA-256 of the raw key, hex. */
  readonly fingerprint: string;
}

export interface PinQuestion {
  readonly key: SiteKey;
  /**
   * Whether host or namespace name the site. Otherwise it was chosen as the only one, from a list that the control
   * plane made: then only the very first site is taken on trust.
   */
  readonly isNamed: boolean;
}

/** The site's public key if its fingerprint is the pinned one, or is pinned now. */
export async function pinnedKey(
  deps: { api: KubernetesApi; crypto: Crypto },
  { key, isNamed }: PinQuestion,
): Promise<Result<PinnedKey, PinError>> {
  const raw = fromBase64(key.publicKey);
  if (raw?.length !== 32) return err("pin", `The key of site "${key.site}" is no X25519 key.`);
  const hash = deps.crypto.hash("sha256");
  hash.update(raw);
  const fingerprint = toHex(hash.digest());
  const stored = await readPins(deps.api);
  if (!stored.ok) return stored;
  const { pins, version } = stored.value;
  const pinned = pins[key.site];
  if (pinned === fingerprint) return ok({ raw, fingerprint });
  if (pinned !== undefined) {
    return err(
      "pin",
      `The control plane offers another sealing key for site "${key.site}" (${fingerprint.slice(0, 16)}…) than the pinned one (${pinned.slice(0, 16)}…). Nothing is sealed to it. If the site's agent was enrolled anew, remove "${key.site}" from ConfigMap ${namespace}/${name}.`,
    );
  }
  if (!isNamed && Object.keys(pins).length > 0) {
    return err(
      "pin",
      `The control plane names another only site, "${key.site}", whose key was never used here. Nothing is sealed to it. If it is right, name it by the label farrier.dev/site of the host or the annotation of its namespace.`,
    );
  }
  const written = await writePin(deps.api, { [key.site]: fingerprint }, version);
  return written.ok ? ok({ raw, fingerprint }) : written;
}

/** For one round of looks at Secrets: the pins are read once, not for each, until one is written. */
export function readingPinsOnce(api: KubernetesApi): KubernetesApi {
  let pins: KubernetesAnswer | undefined;
  return {
    watch: (...watched) => api.watch(...watched),
    async request(request) {
      const isRead = request.method === "GET" && request.path === path;
      if (isRead && pins !== undefined) return ok(pins);
      if (request.method !== "GET") pins = undefined;
      const answer = await api.request(request);
      if (isRead && answer.ok && answer.value.status === 200) pins = answer.value;
      return answer;
    },
  };
}

interface StoredPins {
  readonly pins: Readonly<Record<string, string>>;
  /** Undefined: there is no ConfigMap yet. */
  readonly version: string | undefined;
}

async function readPins(api: KubernetesApi): Promise<Result<StoredPins, "denied" | "unreachable">> {
  const answer = await api.request({ method: "GET", path });
  if (!answer.ok) return answer;
  const { status, body } = answer.value;
  if (status === 404) return ok({ pins: {}, version: undefined });
  if (status !== 200) return refused("read", status);
  const parsed = configMap.safeParse(body);
  return parsed.success
    ? ok({ pins: parsed.data.data ?? {}, version: parsed.data.metadata.resourceVersion })
    : err("unreachable", "The answer of Kubernetes is not understood.");
}

/** Bound to the version that was read: what a person changed meanwhile is not written over. */
async function writePin(
  api: KubernetesApi,
  data: Readonly<Record<string, string>>,
  version: string | undefined,
): Promise<Result<void, "denied" | "unreachable">> {
  const answer = await api.request(
    version === undefined
      ? {
          method: "POST",
          path: `/api/v1/namespaces/${namespace}/configmaps`,
          body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data },
        }
      : {
          method: "PATCH",
          path,
          patch: "merge",
          body: { metadata: { resourceVersion: version }, data },
        },
  );
  if (!answer.ok) return answer;
  return answer.value.status < 300 ? ok(undefined) : refused("write", answer.value.status);
}

function refused(verb: string, status: number): Result<never, "denied" | "unreachable"> {
  const isPassing = status === 409 || status === 429 || status >= 500;
  return err(
    isPassing ? "unreachable" : "denied",
    `Kubernetes does not let the cluster link ${verb} ConfigMap ${namespace}/${name} (${status}): apply Farrier's RBAC manifests.`,
  );
}
