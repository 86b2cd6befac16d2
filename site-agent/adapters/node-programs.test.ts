import { describe, expect, it } from "vitest";
import { nodePrograms as programs } from "./node-programs.ts";

describe("nodePrograms", () => {
  it("gives code and both outputs and passes arguments as they are", async () => {
    const result = await programs.run([
      "sh",
      "-c",
      'printf "%s" "$1"; echo oops >&2; exit 3',
      "sh",
      "a b; $(id)",
    ]);
    expect(result).toEqual({
      ok: true,
      value: { code: 3, stdout: "a b; $(id)", stderr: "oops\n" },
    });
  });

  it("feeds the input and closes it", async () => {
    const result = await programs.run(["cat"], { input: "hello" });
    expect(result.ok && result.value.stdout).toBe("hello");
    expect(await programs.run(["true"], { input: "x".repeat(1_000_000) })).toMatchObject({
      ok: true,
    });
  });

  it("says missing when there is no such program", async () => {
    const result = await programs.run(["farrier-no-such-program"]);
    expect(result.ok ? "ran" : result.error.kind).toBe("missing");
  });

  it("kills the program and its children when the time is over", async () => {
    // The output stays open for as long as any of them lives, so returning proves that all are gone.
    const result = await programs.run(["sh", "-c", "sleep 1000 & sleep 1000"], { timeoutMs: 50 });
    expect(result.ok ? "ran" : result.error.kind).toBe("timeout");
  });

  it("keeps a bounded output when a program says too much", async () => {
    const result = await programs.run(["head", "-c", "20000000", "/dev/zero"]);
    expect(result.ok && result.value.code).toBe(0);
    expect(result.ok && result.value.stdout.length).toBe(8 * 1024 * 1024);
  });
});
