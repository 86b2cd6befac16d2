import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { webCrypto } from "./runtime.ts";

test.each([0, 64, 1_024, 1_025, 100_000])(
  "a text of %d characters has its SHA-256",
  async (length) => {
    const text = "ä".repeat(length);
    const hash = createHash("sha256").update(text).digest("hex");
    expect(await webCrypto.sha256Hex(text)).toBe(hash);
  },
);
