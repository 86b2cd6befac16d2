// What a schema finds wrong, as one sentence: field by field, the first five.
import type { z } from "zod";

export function issuesText({ issues }: z.ZodError): string {
  return issues
    .slice(0, 5)
    .map(({ path, message }) => `${path.join(".") || "(whole object)"}: ${message}`)
    .join("; ");
}
