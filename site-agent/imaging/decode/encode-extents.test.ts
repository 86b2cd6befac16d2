import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ok } from "../../../shared/result.ts";
import { encodeDisk, fileOf } from "../../../test/support/encode-disk.ts";
import { makeExtentSource } from "../../../test/support/extent-source.ts";
import type { DiskReader } from "./disk-reader.ts";
import { makeRawDisk } from "./raw-disk.ts";

const mib = 1024 * 1024;
const granuleBytes = 65536;

describe("encodeExtents", () => {
  test("cuts like an independent encoder when granules are zero or not in any pattern", async () => {
    const granules = fc.array(fc.boolean(), { minLength: 1, maxLength: 90 });
    await fc.assert(
      fc.asyncProperty(granules, fc.nat(127), async (pattern, lessSectors) => {
        const disk = new Uint8Array(pattern.length * granuleBytes - lessSectors * 512);
        pattern.forEach((filled, index) => {
          if (filled) disk[index * granuleBytes] = 1 + (index % 255);
        });
        const expected = (await makeExtentSource(disk)).frames.flatMap((frame) =>
          "offset" in frame ? [`${frame.type} ${frame.offset} ${frame.length}`] : [],
        );
        const places = await encodeDisk(makeRawDisk(fileOf(disk), disk.length));
        expect(places.toSorted()).toEqual(expected.toSorted());
      }),
      { numRuns: 60 },
    );
  });

  test("ends with the error when the disk cannot be read", async () => {
    const disk: DiskReader = {
      virtualBytes: 4 * mib,
      read: async (offset) =>
        offset === 0
          ? ok({ kind: "zero", length: 2 * mib })
          : { ok: false, error: { kind: "changed", message: "other file" } },
    };
    expect((await encodeDisk(disk)).at(-1)).toBe("changed: other file");
  });
});
