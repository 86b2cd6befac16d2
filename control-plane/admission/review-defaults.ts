// The mutating half of admission: fills in what an object lacks, or takes out what means nothing. Judges nothing, and
// leaves objects that are being deleted alone.
import { toBase64 } from "../../shared/bytes.ts";
import { defaults, type Defaults } from "../../shared/defaults.table.ts";
import { isJson, valueAt } from "../../shared/json.ts";
import { ok, type Result } from "../../shared/result.ts";
import { allow, patch, readRequest, type AdmissionAnswer } from "./admission-review.ts";

/** RFC 6902, as much of it as is needed. */
interface Operation {
  readonly op: "add" | "remove";
  readonly path: string;
  readonly value?: unknown;
}

export function reviewDefaults(body: unknown): Result<AdmissionAnswer, "envelope"> {
  const read = readRequest(body);
  if (!read.ok) return read;
  const { uid, resource, subResource = "", object } = read.value;
  const found = defaults.find(
    ({ group, plural }) => group === resource.group && plural === resource.resource,
  );
  const isDeleted = valueAt(object, ["metadata", "deletionTimestamp"]) !== undefined;
  if (found === undefined || subResource !== "" || isDeleted) return ok(allow(uid));
  const operations = fillIn(found, object);
  if (operations.length === 0) return ok(allow(uid));
  return ok(patch(uid, toBase64(new TextEncoder().encode(JSON.stringify(operations)))));
}

function fillIn({ emptyIsUnset, values }: Defaults, object: unknown): readonly Operation[] {
  return [
    ...emptyIsUnset
      .filter((path) => valueAt(object, path) === "")
      .map((path) => ({ op: "remove" as const, path: pointer(path) })),
    ...values
      .filter(({ path }) => isJson(valueAt(object, path.slice(0, -1))))
      .filter(({ path }) => (valueAt(object, path) ?? undefined) === undefined)
      .map(({ path, value }) => ({ op: "add" as const, path: pointer(path), value })),
  ];
}

function pointer(path: readonly string[]): string {
  return `/${path.join("/")}`;
}
