// What must be in a Secret for each purpose, and the text that is sealed. Problems name keys, never values.
import type { SecretPurpose } from "../../../shared/protocol/facts/sealed-secret.ts";
import { err, ok, type Result } from "../../../shared/result.ts";

const maxBytes = 1_048_576;

/** `data`: the Secret's data, base64-decoded. The value is what the agent will open. */
export function secretContent(
  purpose: SecretPurpose,
  name: string,
  data: ReadonlyMap<string, Uint8Array>,
): Result<Uint8Array, "content"> {
  if (purpose === "bmc") return credentials(name, data);
  const key = purpose === "preprovisioningNetworkData" ? "networkData" : purpose;
  const value = data.get(key) ?? data.get("value");
  if (value !== undefined && value.length > maxBytes) {
    return problem(
      name,
      `holds ${value.length} bytes under "${key}"; at most ${maxBytes} can be used`,
    );
  }
  if (value !== undefined) return ok(value);
  // Network data without the key counts as empty; user data and metadata do not.
  if (key === "networkData") return ok(new Uint8Array());
  return problem(name, `has neither the key "${key}" nor "value"; ${keysFound(data)}`);
}

function credentials(
  name: string,
  data: ReadonlyMap<string, Uint8Array>,
): Result<Uint8Array, "content"> {
  const username = text(data.get("username"))?.trim();
  const password = text(data.get("password"))?.trim();
  for (const [key, value] of [
    ["username", username],
    ["password", password],
  ] as const) {
    if (value === undefined || value === "") {
      return problem(name, `needs a value under the key "${key}"; ${keysFound(data)}`);
    }
    if (value.includes("\0")) return problem(name, `has a NUL byte in "${key}"`);
  }
  return ok(new TextEncoder().encode(JSON.stringify({ username, password })));
}

function text(bytes: Uint8Array | undefined): string | undefined {
  return bytes === undefined ? undefined : new TextDecoder().decode(bytes);
}

function keysFound(data: ReadonlyMap<string, Uint8Array>): string {
  const keys = [...data.keys()].toSorted();
  return keys.length === 0 ? "it has no keys" : `it has the keys ${keys.join(", ")}`;
}

function problem(name: string, what: string) {
  return err("content", `Secret "${name}" ${what}.`);
}
