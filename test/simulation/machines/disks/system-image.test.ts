import { expect, test } from "vitest";
import { makeOldSystem, makeSystemImage, oldSystem, systemOn } from "./system-image.ts";

const mib = 1024 * 1024;

function diskOf(bytes: Uint8Array) {
  return {
    sizeBytes: bytes.length,
    peek: (offset: number, length: number) => bytes.slice(offset, offset + length),
  };
}

test("an image is the system that it is named for, and none with a torn head or a torn tail", () => {
  const image = makeSystemImage("image-1", 2 * mib);
  expect(systemOn(diskOf(image))).toBe("image-1");
  const tornHead = image.slice().fill(0, 512, mib);
  const tornTail = image.slice().fill(0, 2 * mib - 512);
  expect([tornHead, tornTail].map((bytes) => systemOn(diskOf(bytes)))).toEqual([
    undefined,
    undefined,
  ]);
});

test("an image of another name has other bytes, and the same name the same", () => {
  const [one, other] = [makeSystemImage("image-1", 2 * mib), makeSystemImage("image-2", 2 * mib)];
  expect(Buffer.compare(one.subarray(mib), other.subarray(mib))).not.toBe(0);
  expect(makeSystemImage("image-1", 2 * mib)).toBe(one);
});

test("what an old system leaves on a large disk is a system", () => {
  const sizeBytes = 8 * mib;
  const bytes = new Uint8Array(sizeBytes);
  for (const piece of makeOldSystem(sizeBytes)) bytes.set(piece.bytes, piece.offset);
  expect(systemOn(diskOf(bytes))).toBe(oldSystem);
});
