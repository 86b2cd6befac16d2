import { execFileSync } from "node:child_process";
import { expect, test } from "vitest";
import { readNodeMachineBoot } from "./node-machine-boot.ts";

test("another process sees the same boot, and that no less time has passed since it", () => {
  const own = readNodeMachineBoot();
  const sinceMs = own?.sinceMs() ?? NaN;
  const module = new URL("node-machine-boot.ts", import.meta.url);
  const script = `const { id, sinceMs } = (await import("${module.href}")).readNodeMachineBoot();
    console.log(JSON.stringify({ id, sinceMs: sinceMs() }));`;
  const argv = ["--input-type=module", "--eval", script];
  const other = JSON.parse(execFileSync(process.execPath, argv, { encoding: "utf8" })) as object;
  expect(other).toEqual({ id: own?.id, sinceMs: expect.any(Number) });
  expect(other).toHaveProperty(
    "sinceMs",
    expect.toSatisfy((ms: number) => ms >= sinceMs),
  );
  expect(own?.id).toMatch(/^[0-9a-f-]{36}$/);
});
