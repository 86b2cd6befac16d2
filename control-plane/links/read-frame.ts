// A message of an agent's socket → a frame, or what to do about it (RFC 6455, section 7.4.1 for the codes).
import { z } from "zod";
import { fromAgent, maxFrameBytes, type FromAgent } from "../../shared/protocol/frames.ts";

export type ReadFrame =
  | { readonly kind: "frame"; readonly frame: FromAgent }
  /** Skipped: it may come from a newer agent. */
  | { readonly kind: "unknown"; readonly type: string; readonly where: string }
  | { readonly kind: "broken"; readonly code: number; readonly reason: string };

const withType = z.looseObject({ type: z.string() });

export function readFrame(data: unknown): ReadFrame {
  if (typeof data !== "string") return broken(1003, "text frames only");
  if (isTooLarge(data)) return broken(1009, `frames of at most ${maxFrameBytes} bytes`);
  let value: unknown;
  try {
    value = JSON.parse(data);
  } catch {
    return broken(1007, "frames are JSON");
  }
  const parsed = fromAgent.safeParse(value);
  if (parsed.success) return { kind: "frame", frame: parsed.data };
  return {
    kind: "unknown",
    type: (withType.safeParse(value).data?.type ?? "").slice(0, 64),
    where: (parsed.error.issues[0]?.path.join(".") ?? "").slice(0, 200),
  };
}

function broken(code: number, reason: string): ReadFrame {
  return { kind: "broken", code, reason };
}

/** UTF-8 takes at most three bytes for each UTF-16 unit: short texts need no counting. */
function isTooLarge(text: string): boolean {
  return text.length * 3 > maxFrameBytes && new TextEncoder().encode(text).length > maxFrameBytes;
}
