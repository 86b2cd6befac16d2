import { describe, expect, it } from "vitest";
import { asStep, formatDuration, terminalProgress } from "./progress.ts";

/** A terminal of 30 columns, or a file, that keeps what is written; its clock is set by hand. */
function screen(isTTY: boolean) {
  const state = { text: "", nowMs: 0 };
  const output = {
    isTTY,
    columns: 30,
    write(text: string) {
      state.text += text;
    },
  };
  return { state, progress: terminalProgress(output, () => state.nowMs) };
}

describe("terminalProgress", () => {
  it("prints one plain line per step when there is no terminal", () => {
    const { state, progress } = screen(false);
    const build = progress.step("build etcd");
    state.nowMs = 65_000;
    build.done({ detail: "38 MB" });
    progress.step("build kubectl").done({ fromCache: true });
    progress.step("start").fail("no port\nmore");
    expect(state.text.split("\n")).toEqual([
      "ok   build etcd (38 MB, 1 min 05 s)",
      "ok   build kubectl (from the cache, 0.0 s)",
      "FAIL start (0.0 s): no port",
      "",
    ]);
  });

  it("prints a note at most every 10 s when there is no terminal", () => {
    const { state, progress } = screen(false);
    const step = progress.step("build");
    for (state.nowMs = 0; state.nowMs < 25_000; state.nowMs += 1_000) {
      step.note(`${state.nowMs / 1000}`);
    }
    expect(state.text).toBe("     build: 0\n     build: 10\n     build: 20\n");
  });

  it("shows the step that spoke last, cut to the width, when there is a terminal", () => {
    const { state, progress } = screen(true);
    const one = progress.step("one");
    progress.step("two");
    one.note("a very long note that goes on and on");
    const shown = state.text.split("\r\u001B[2K").at(-1) ?? "";
    expect(shown).toMatch(/^… {4}one: a very long/);
    expect(shown.length).toBeLessThan(30);
    one.done();
    expect(state.text).toMatch(/ok {3}one \(0\.0 s\)\n\r\S+ {4}two$/);
  });
});

describe("asStep", () => {
  it("ends the step as failed, and throws, when the work throws", async () => {
    const { state, progress } = screen(false);
    const work = asStep(progress, "dig", () => Promise.reject(new Error("rock\nbelow")));
    await expect(work).rejects.toThrow("rock");
    expect(state.text).toBe("FAIL dig (0.0 s): rock\n");
  });
});

describe("formatDuration", () => {
  it.each([
    [0, "0.0 s"],
    [9_949, "9.9 s"],
    [9_950, "10 s"],
    [59_400, "59 s"],
    [59_600, "1 min 00 s"],
    [245_000, "4 min 05 s"],
  ])("shows %i ms as %s", (durationMs, text) => {
    expect(formatDuration(durationMs)).toBe(text);
  });
});
