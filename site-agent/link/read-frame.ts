// A message of the control plane's socket → a frame, or what to do about it. A newer control plane may say what
// this agent does not know: that is skipped or refused piece by piece, and never costs the site its link.
import { z } from "zod";
import { delivery, toAgent, type Delivery, type ToAgent } from "../../shared/protocol/frames.ts";

export type Frame = Exclude<ToAgent, { type: "deliveries" }> | Deliveries;

export interface Deliveries {
  readonly type: "deliveries";
  readonly epoch: number;
  readonly turn?: number | undefined;
  readonly items: readonly DeliveryItem[];
}

export interface DeliveryItem {
  readonly id: string;
  readonly delivery: Delivery | UnknownDelivery;
}

/** One that this agent does not understand. */
export interface UnknownDelivery {
  readonly kind: "unknown";
  /** The field that is not understood. */
  readonly where: string;
  /** When it is an operation: which, so that it can be answered. */
  readonly operation: { readonly id: string; readonly hostUid: string } | undefined;
}

export type ReadFrame =
  | { readonly kind: "frame"; readonly frame: Frame }
  | { readonly kind: "unknown"; readonly type: string; readonly where: string }
  | { readonly kind: "broken"; readonly reason: string };

const withType = z.looseObject({ type: z.string() });
const deliveries = z.object({
  type: z.literal("deliveries"),
  epoch: z.number().int(),
  turn: z.number().int().optional(),
  items: z.array(z.object({ id: z.string(), delivery: z.unknown().optional() })),
});
const anyOperation = z.looseObject({
  kind: z.literal("operation"),
  operation: z.looseObject({ id: z.string(), hostUid: z.string() }),
});

export function readFrame(text: string): ReadFrame {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return { kind: "broken", reason: "frames are JSON" };
  }
  const typed = withType.safeParse(value);
  if (!typed.success) return { kind: "broken", reason: "a frame has a type" };
  const { type } = typed.data;
  if (type === "deliveries") {
    const read = deliveries.safeParse(value);
    return read.success
      ? { kind: "frame", frame: { ...read.data, items: read.data.items.map(readItem) } }
      : unknown(type, read.error);
  }
  const read = toAgent.safeParse(value);
  if (!read.success) return unknown(type, read.error);
  return { kind: "frame", frame: read.data as Frame };
}

function unknown(type: string, error: z.ZodError): ReadFrame {
  return { kind: "unknown", type: type.slice(0, 64), where: placeOf(error) };
}

function readItem(item: { id: string; delivery?: unknown }): DeliveryItem {
  const read = delivery.safeParse(item.delivery);
  if (read.success) return { id: item.id, delivery: read.data };
  const operation = anyOperation.safeParse(item.delivery).data?.operation;
  const where = placeOf(read.error);
  return {
    id: item.id,
    delivery: {
      kind: "unknown",
      where,
      operation:
        operation === undefined ? undefined : { id: operation.id, hostUid: operation.hostUid },
    },
  };
}

/** The field's name and never its value, which may be a secret. */
function placeOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue === undefined ? "" : issue.path.join(".").slice(0, 200);
}
