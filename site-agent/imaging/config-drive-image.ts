// A host's config drive as an ISO 9660 image, from what its Secrets hold. Errors tell the place and never the
// text: all of this is secret.
import { LineCounter, parseDocument } from "yaml";
import { configDriveFiles, configDriveLabel } from "../../shared/host/config-drive.ts";
import { err, ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import { buildIso9660 } from "../../shared/wire/iso9660/iso9660.ts";

export interface ConfigDriveRequest {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  /** Contents of the Secrets. Network and meta data are YAML or JSON. */
  readonly userData?: Uint8Array | undefined;
  readonly networkData?: Uint8Array | undefined;
  readonly metaData?: Uint8Array | undefined;
}

/** Above what Kubernetes' Secrets can hold. */
const maxSecretBytes = 4 * 1024 * 1024;

/** The image's bytes, a multiple of 2048. The same request gives the same bytes. */
export function buildConfigDrive(request: ConfigDriveRequest): Result<Uint8Array, "config-drive"> {
  const { userData } = request;
  if (userData !== undefined && userData.length > maxSecretBytes) return tooLong("userData");
  const networkData = parseMap("networkData", request.networkData);
  if (!networkData.ok) return networkData;
  const metaData = parseMap("metaData", request.metaData);
  if (!metaData.ok) return metaData;
  const files = configDriveFiles({
    uid: request.uid,
    namespace: request.namespace,
    name: request.name,
    userData,
    networkData: networkData.value,
    metaData: metaData.value,
  });
  return ok(buildIso9660(configDriveLabel, files));
}

type YamlMap = Readonly<Record<string, unknown>>;

/** Undefined for an absent or empty text. */
function parseMap(
  field: string,
  bytes: Uint8Array | undefined,
): Result<YamlMap | undefined, "config-drive"> {
  if (bytes === undefined) return ok(undefined);
  if (bytes.length > maxSecretBytes) return tooLong(field);
  const lines = new LineCounter();
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    // Merge keys are YAML 1.1, and what Kubernetes' own YAML reader accepts. Pretty errors would quote the text.
    const document = parseDocument(text, { prettyErrors: false, lineCounter: lines, merge: true });
    const wrong = document.errors[0];
    if (wrong !== undefined) {
      const { line, col } = lines.linePos(wrong.pos[0]);
      return bad(field, `line ${line}, column ${col}: ${wrong.code}`);
    }
    // Few aliases: a small text must not become a large value.
    const value: unknown = document.toJS({ maxAliasCount: 100 });
    if (value === null || value === undefined) return ok(undefined);
    if (isMap(value)) return ok(value);
  } catch {
    return bad(field, "it is not UTF-8 or uses too many aliases");
  }
  return bad(field, "its outermost value is not a map");
}

function isMap(value: unknown): value is YamlMap {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function bad(field: string, what: string): Result<never, "config-drive"> {
  return err(
    "config-drive",
    `The Secret of spec.${field} is not a YAML or JSON map (${what}); correct it`,
  );
}

function tooLong(field: string): Result<never, "config-drive"> {
  return err(
    "config-drive",
    `The Secret of spec.${field} is above ${maxSecretBytes} bytes; make it smaller`,
  );
}
