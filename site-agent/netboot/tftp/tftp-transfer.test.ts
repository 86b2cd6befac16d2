import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { makeTftpTransfer } from "./tftp-transfer.ts";
import type { TransferShape, TransferStep } from "./tftp-transfer.ts";

const shape = { sizeBytes: 1024, blockBytes: 512, windowBlocks: 1, hasOack: false };
const blocks = (first: number, count: number): TransferStep => ({ kind: "blocks", first, count });

describe("makeTftpTransfer", () => {
  it("ends a file of whole blocks with an empty one", () => {
    const transfer = makeTftpTransfer(shape);
    expect(transfer.start()).toEqual(blocks(1, 1));
    expect(transfer.acknowledged(1)).toEqual(blocks(2, 1));
    expect(transfer.acknowledged(2)).toEqual(blocks(3, 1));
    expect(transfer.acknowledged(3)).toEqual({ kind: "done" });
  });

  it("sends an empty file as one empty block", () => {
    const transfer = makeTftpTransfer({ ...shape, sizeBytes: 0 });
    expect(transfer.start()).toEqual(blocks(1, 1));
    expect(transfer.acknowledged(1)).toEqual({ kind: "done" });
  });

  it("waits for ACK 0 after an OACK and repeats the OACK when nothing comes", () => {
    const transfer = makeTftpTransfer({ ...shape, hasOack: true });
    expect(transfer.start()).toEqual({ kind: "oack" });
    expect(transfer.silence()).toEqual({ kind: "oack" });
    expect(transfer.acknowledged(1)).toEqual({ kind: "wait" });
    expect(transfer.acknowledged(0)).toEqual(blocks(1, 1));
    expect(transfer.acknowledged(0)).toEqual({ kind: "wait" });
  });

  it("sends nothing when an ACK comes twice, is from the past or from the future", () => {
    const transfer = makeTftpTransfer({ ...shape, sizeBytes: 5000 });
    transfer.start();
    transfer.acknowledged(1);
    expect(transfer.acknowledged(2)).toEqual(blocks(3, 1));
    for (const block of [2, 1, 0, 4, 65535]) {
      expect(transfer.acknowledged(block)).toEqual({ kind: "wait" });
    }
    expect(transfer.silence()).toEqual(blocks(3, 1));
    expect(transfer.acknowledged(3)).toEqual(blocks(4, 1));
  });

  it("goes on from the middle of a window when the client missed its rest", () => {
    const transfer = makeTftpTransfer({ ...shape, sizeBytes: 5000, windowBlocks: 4 });
    expect(transfer.start()).toEqual(blocks(1, 4));
    expect(transfer.acknowledged(4)).toEqual(blocks(5, 4));
    expect(transfer.acknowledged(6)).toEqual(blocks(7, 4));
    expect(transfer.silence()).toEqual(blocks(7, 4));
    expect(transfer.acknowledged(10)).toEqual({ kind: "done" });
  });

  it("counts past 65535 by starting over at 0", () => {
    const transfer = makeTftpTransfer({ ...shape, sizeBytes: 512 * 131_100, windowBlocks: 64 });
    let step = transfer.start();
    let last = 0;
    while (step.kind === "blocks") {
      expect(step.first).toBe(last + 1);
      last = step.first + step.count - 1;
      step = transfer.acknowledged(last & 0xffff);
    }
    expect([step.kind, last]).toEqual(["done", 131_101]);
  });

  it("gets every block across a network that loses and repeats, with bounded traffic", () => {
    const shapes: fc.Arbitrary<TransferShape> = fc.record({
      sizeBytes: fc.nat(40_000),
      blockBytes: fc.integer({ min: 8, max: 1468 }),
      windowBlocks: fc.integer({ min: 1, max: 8 }),
      hasOack: fc.boolean(),
    });
    fc.assert(
      fc.property(shapes, fc.nat(0xffffffff), (each, seed) => {
        const { got, sent } = runOverBadNetwork(each, dice(seed));
        const lastBlock = Math.floor(each.sizeBytes / each.blockBytes) + 1;
        expect(got).toBe(lastBlock);
        expect(sent).toBeLessThan(20 * (lastBlock + 10) * each.windowBlocks);
      }),
    );
  });
});

/** Numbers 0–9 that depend on the seed only (a linear congruential generator). */
function dice(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * 10);
  };
}

/** A client that takes blocks in their order only and acknowledges where it stands (RFC 7440). */
function runOverBadNetwork(each: TransferShape, luck: () => number): { got: number; sent: number } {
  const transfer = makeTftpTransfer(each);
  let got = 0;
  let sent = 0;
  let step = transfer.start();
  for (let turn = 0; step.kind !== "done" && turn < 100_000; turn += 1) {
    let hasNews = step.kind === "oack" && luck() !== 0;
    const { first, count } = step.kind === "blocks" ? step : { first: 0, count: 0 };
    sent += count;
    for (let block = first; block < first + count; block += 1) {
      if (luck() === 0) continue;
      hasNews = true;
      if (block === got + 1) got = block;
    }
    // An ACK gets lost, arrives, or arrives twice.
    const copies = hasNews ? Math.min(luck(), 2) : 0;
    let next: TransferStep = { kind: "wait" };
    for (let i = 0; i < copies; i += 1) {
      const answer = transfer.acknowledged(got & 0xffff);
      if (answer.kind !== "wait") next = answer;
    }
    step = next.kind === "wait" ? transfer.silence() : next;
  }
  return { got, sent };
}
