import { expect, test } from "vitest";
import { maxFrameBytes, toAgent, type Delivery } from "../../shared/protocol/frames.ts";
import { packDeliveries } from "./pack-deliveries.ts";

function item(id: number, letters: string): { id: string; delivery: Delivery } {
  return {
    id: String(id),
    delivery: { kind: "cancel", hostUid: letters, operationId: "o" },
  };
}

test("packDeliveries keeps the order and every frame within its bytes when letters take several", () => {
  const rows = Array.from({ length: 200 }, (_, index) => item(index, "ü".repeat(1_000)));
  const { frames } = packDeliveries(rows);
  expect(frames.flat()).toEqual(rows);
  expect(frames.length).toBeGreaterThan(5);
  for (const items of frames) {
    const frame = toAgent.parse({ type: "deliveries", epoch: 2 ** 40, items });
    expect(new TextEncoder().encode(JSON.stringify(frame)).length).toBeLessThanOrEqual(
      maxFrameBytes,
    );
  }
});

test("packDeliveries sends a row that is larger than a frame alone", () => {
  const rows = [item(1, "a"), item(2, "b".repeat(maxFrameBytes)), item(3, "c")];
  expect(packDeliveries(rows).frames.map((frame) => frame.map(({ id }) => id))).toEqual([
    ["1"],
    ["2"],
    ["3"],
  ]);
});

test("packDeliveries makes no frame when there is nothing", () => {
  expect(packDeliveries([])).toEqual({ frames: [], refused: [] });
});

test("packDeliveries refuses a row that is larger than an agent takes", () => {
  const rows = [item(1, "a"), item(2, "b".repeat(1024 * 1024)), item(3, "c")];
  const { frames, refused } = packDeliveries(rows);
  expect(frames.flat().map(({ id }) => id)).toEqual(["1", "3"]);
  expect(refused.map(({ id }) => id)).toEqual(["2"]);
});
