// The pinned sealing keys: fingerprints of the sites' keys in a ConfigMap of the cluster itself. A key seen for
// the first time is written there; a changed one is refused until a person removes the old pin, so that a hub
// cannot hand out a key of its own.
import { z } from "zod";
import { toHex, fromBase64 } from "../../shared/bytes.ts";
import type { SiteKey } from "../../shared/protocol/frames.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import type { Crypto } from "../ports.ts";
import type { KubernetesApi } from "./port.ts";

const namespace = "farrier-system";
const name = "farrier-site-keys";
const path = `/api/v1/namespaces/${namespace}/configmaps/${name}`;

const configMap = z.looseObject({ data: z.record(z.string(), z.string()).optional() });

/** The raw public key of the site if its fingerprint is the pinned one (or is pinned now). */
export async function pinnedKey(
  deps: { api: KubernetesApi; crypto: Crypto },
  key: SiteKey,
): Promise<Result<Uint8Array, "pin" | "unreachable">> {
  const raw = fromBase64(key.publicKey);
  if (raw?.length !== 32) return err("pin", `The key of site "${key.site}" is no X25519 key.`);
  const hash = deps.crypto.hash("sha256");
  hash.update(raw);
  const fingerprint = toHex(hash.digest());
  const pins = await readPins(deps.api);
  if (!pins.ok) return pins;
  const pinned = pins.value?.[key.site];
  if (pinned === fingerprint) return ok(raw);
  if (pinned !== undefined) {
    return err(
      "pin",
      `The control plane offers another sealing key for site "${key.site}" (${fingerprint.slice(0, 16)}…) than the pinned one (${pinned.slice(0, 16)}…). Nothing is sealed to it. If the site's agent was enrolled anew, remove "${key.site}" from ConfigMap ${namespace}/${name}.`,
    );
  }
  const written = await writePin(deps.api, key.site, fingerprint, pins.value === undefined);
  return written.ok ? ok(raw) : written;
}

async function readPins(
  api: KubernetesApi,
): Promise<Result<Record<string, string> | undefined, "unreachable">> {
  const answer = await api.request({ method: "GET", path });
  if (!answer.ok) return answer;
  if (answer.value.status === 404) return ok(undefined);
  if (answer.value.status !== 200) return refused("read", answer.value.status);
  return ok(configMap.parse(answer.value.body).data ?? {});
}

async function writePin(
  api: KubernetesApi,
  site: string,
  fingerprint: string,
  create: boolean,
): Promise<Result<void, "unreachable">> {
  const data = { [site]: fingerprint };
  const answer = await api.request(
    create
      ? {
          method: "POST",
          path: `/api/v1/namespaces/${namespace}/configmaps`,
          body: { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace }, data },
        }
      : { method: "PATCH", path, patch: "merge", body: { data } },
  );
  if (!answer.ok) return answer;
  return answer.value.status < 300 ? ok(undefined) : refused("write", answer.value.status);
}

function refused(verb: string, status: number) {
  return err(
    "unreachable",
    `Kubernetes does not let the cluster link ${verb} ConfigMap ${namespace}/${name} (${status}): apply Farrier's RBAC manifests.`,
  );
}
