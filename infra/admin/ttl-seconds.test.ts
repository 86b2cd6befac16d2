import { expect, test } from "vitest";
import { ttlSeconds } from "./ttl-seconds.ts";

test("ttlSeconds reads seconds, minutes and hours, and nothing else", () => {
  expect(["90", "90s", "30m", "1h"].map(ttlSeconds)).toEqual([90, 90, 1800, 3600]);
  expect(["", "1.5h", "1d", "-1", "h", "1h30m"].map(ttlSeconds)).toEqual(Array(6).fill(undefined));
});
