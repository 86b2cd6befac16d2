import { deflateRawSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { nodeCompression as compression } from "./node-compression.ts";

const text = new TextEncoder().encode("farrier ".repeat(25_000));

// "hello\n" as the zstd 1.5.4 program writes it, with its content checksum.
const zstdGolden = Buffer.from("28b52ffd045831000068656c6c6f0a5388bd91", "hex");

async function kindOf(work: ReturnType<typeof compression.inflateRaw>): Promise<string | number> {
  const result = await work;
  return result.ok ? result.value.length : result.error.kind;
}

describe("nodeCompression", () => {
  it("gives back what it compressed, up to the bound and not past it", async () => {
    const packed = await compression.zstdCompress(text, 1);
    expect(packed.length).toBeLessThan(1000);
    const back = await compression.zstdDecompress(packed, text.length);
    expect(back.ok && Buffer.compare(back.value, text)).toBe(0);
    expect(await kindOf(compression.zstdDecompress(packed, text.length - 1))).toBe("too-large");
    expect(await kindOf(compression.zstdDecompress(packed, 0))).toBe("too-large");
  });

  it("inflates raw deflate and ignores what follows the stream", async () => {
    const packed = Buffer.concat([deflateRawSync(text), Buffer.alloc(500, 7)]);
    expect(await kindOf(compression.inflateRaw(packed, text.length))).toBe(text.length);
    expect(await kindOf(compression.inflateRaw(packed, text.length - 1))).toBe("too-large");
  });

  it("says corrupt when the data is cut or is something else", async () => {
    const zstd = await compression.zstdCompress(text, 3);
    const deflate = deflateRawSync(text);
    const inputs = [
      compression.zstdDecompress(zstd.subarray(0, -1), text.length),
      compression.zstdDecompress(text, text.length),
      compression.zstdDecompress(new Uint8Array(), text.length),
      compression.inflateRaw(deflate.subarray(0, -3), text.length),
      compression.inflateRaw(new Uint8Array([255, 255, 255]), text.length),
    ];
    expect(await Promise.all(inputs.map(kindOf))).toEqual(inputs.map(() => "corrupt"));
  });

  it("reads what the zstd program wrote and notices a wrong checksum", async () => {
    const read = await compression.zstdDecompress(zstdGolden, 100);
    expect(read.ok && Buffer.from(read.value).toString()).toBe("hello\n");
    const wrong = Uint8Array.from(zstdGolden);
    wrong[12] = 0x41;
    expect(await kindOf(compression.zstdDecompress(wrong, 100))).toBe("corrupt");
  });
});
