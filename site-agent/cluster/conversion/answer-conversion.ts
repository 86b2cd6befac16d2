// The web server's side of the conversion webhook: one path, one question, answered from the question alone.
import { reviewConversion } from "../../../shared/capm3/conversion/conversion-review.ts";
import type { ServerRequest, ServerResponse } from "../../ports.ts";

export const conversionPath = "/convert";

export function answerConversion({ method, path, body }: ServerRequest): ServerResponse {
  // The API server adds its timeout as a query.
  if (path.split("?", 1)[0] !== conversionPath) return { status: 404 };
  if (method !== "POST") return { status: 405, headers: { allow: "POST" } };
  const reviewed = reviewConversion(parse(body));
  return reviewed.ok
    ? respond(200, reviewed.value)
    : respond(400, { error: `This is no ConversionReview: ${reviewed.error.message}` });
}

function parse(body: Uint8Array | undefined): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(body));
  } catch {
    return undefined;
  }
}

function respond(status: number, body: object): ServerResponse {
  return {
    status,
    headers: { "content-type": "application/json" },
    body: new TextEncoder().encode(JSON.stringify(body)),
  };
}
