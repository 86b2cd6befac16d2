// The enrolment token as a person carries it. What may have gone wrong on the way is said; the token itself is a
// secret and is never quoted.
import { fromBase64 } from "../../../shared/bytes.ts";
import { enrolToken, type EnrolToken } from "../../../shared/protocol/enrolment.ts";
import { err, ok, type Result } from "../../../shared/result.ts";

const prefix = "farrier-";

/** Reads `farrier-<base64url JSON>`, with white space or quotes around it. */
export function parseEnrolToken(text: string): Result<EnrolToken, "token"> {
  const trimmed = trimToken(text);
  if (trimmed === "") return bad("is empty");
  if (!trimmed.startsWith(prefix)) return bad(`does not begin with "${prefix}"`);
  const bytes = fromBase64(trimmed.slice(prefix.length));
  if (bytes === undefined) return bad("has characters that do not belong there");
  try {
    const parsed = enrolToken.safeParse(JSON.parse(new TextDecoder().decode(bytes)));
    if (!parsed.success) return bad("is cut off or damaged");
    if (!/^https?:\/\//.test(parsed.data.url) || !URL.canParse(parsed.data.url))
      return bad("names no address of a control plane");
    return ok(parsed.data);
  } catch {
    return bad("is cut off or damaged");
  }
}

export function trimToken(text: string): string {
  return text
    .trim()
    .replace(/^["']|["']$/g, "")
    .trim();
}

function bad(why: string) {
  return err(
    "token",
    `The enrolment token ${why}. Copy it whole, as "npm run admin -- token create" printed it.`,
  );
}
