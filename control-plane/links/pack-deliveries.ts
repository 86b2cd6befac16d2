// Outbox rows → frames of at most 64 KiB, in order. What an agent would not take is told apart.
import { maxFrameBytes, type Delivery } from "../../shared/protocol/frames.ts";

interface Item {
  readonly id: string;
  readonly delivery: Delivery;
}

/** Room for the frame around the items. */
const envelopeBytes = 256;

/** An agent closes the link at a longer frame, and would do so again and again. */
const maxRowBytes = 1024 * 1024 - envelopeBytes;

/** A row that is larger than 64 KiB goes alone; one that is larger than an agent takes is in `refused`. */
export function packDeliveries(rows: readonly Item[]): {
  readonly frames: readonly Item[][];
  readonly refused: readonly Item[];
} {
  const frames: Item[][] = [];
  const refused: Item[] = [];
  let bytes = Infinity;
  for (const row of rows) {
    const size = new TextEncoder().encode(JSON.stringify(row)).length + 1;
    if (size > maxRowBytes) {
      refused.push(row);
      continue;
    }
    if (bytes + size > maxFrameBytes - envelopeBytes) {
      frames.push([]);
      bytes = 0;
    }
    frames.at(-1)?.push(row);
    bytes += size;
  }
  return { frames, refused };
}
