// A request body as a checked value.
import type { Context } from "hono";
import { z } from "zod";
import { err, ok, type Result } from "../../shared/result.ts";

/** The message names the field that is wrong, never its value. */
export async function readJson<T>(
  c: Context,
  schema: z.ZodType<T>,
): Promise<Result<T, "malformed">> {
  let value: unknown;
  try {
    value = await c.req.json();
  } catch {
    return err("malformed", "the body is not JSON");
  }
  const parsed = schema.safeParse(value);
  if (parsed.success) return ok(parsed.data);
  const [issue] = parsed.error.issues;
  return err("malformed", `${issue?.path.join(".") ?? "body"}: ${issue?.message ?? "is wrong"}`);
}
