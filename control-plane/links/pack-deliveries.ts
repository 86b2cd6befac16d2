// Outbox rows → frames of at most 64 KiB, in order.
import { maxFrameBytes, type Delivery } from "../../shared/protocol/frames.ts";

interface Item {
  readonly id: string;
  readonly delivery: Delivery;
}

/** Room for the frame around the items. */
const envelopeBytes = 256;

/** A row that is larger than a frame goes alone. */
export function packDeliveries(rows: readonly Item[]): readonly Item[][] {
  const frames: Item[][] = [];
  let bytes = Infinity;
  for (const row of rows) {
    const size = new TextEncoder().encode(JSON.stringify(row)).length + 1;
    if (bytes + size > maxFrameBytes - envelopeBytes) {
      frames.push([]);
      bytes = 0;
    }
    frames.at(-1)?.push(row);
    bytes += size;
  }
  return frames;
}
