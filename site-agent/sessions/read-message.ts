// One message of a ramdisk, as text: JSON and schema checked. A reason instead of the message when it is bad.
import { fromRamdisk } from "../../shared/protocol/ramdisk.ts";
import type { FromRamdisk } from "../../shared/protocol/ramdisk.ts";
import { err, ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";

/** The message names the field and never quotes its value: a close reason holds 123 bytes and may be logged. */
export function readMessage(text: string): Result<FromRamdisk, "bad-message"> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return err("bad-message", "message is not JSON");
  }
  const parsed = fromRamdisk.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  const field = issue?.path.join(".") ?? "";
  return err("bad-message", `message field "${field}": ${issue?.code ?? "invalid"}`);
}
