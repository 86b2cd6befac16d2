// A small body of the control plane: its text, and its JSON when it is some.
import type { HttpResponse } from "../../ports.ts";

const maxBytes = 1_048_576;

/** A broken or too long transfer gives what arrived. */
export async function readText(response: HttpResponse): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body) {
    if (!chunk.ok || text.length > maxBytes) break;
    text += decoder.decode(chunk.value, { stream: true });
  }
  return text;
}

/** Undefined for what is no JSON: a proxy's page, or half an answer. */
export function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
