// Whether a program, and what it started, is gone is read from /proc, by a mark in its environment.

import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { startTied } from "./tied-process.ts";

/** The running processes that carry the mark; zombies have no environment left. */
function marked(mark: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").includes(mark);
    } catch {
      return false;
    }
  });
}

async function gone(mark: string): Promise<void> {
  while (marked(mark).length > 0) await sleep(10);
}

const program = ["-c", "sleep 1000 & echo started; wait"];

describe("startTied", () => {
  it("ends the program and what it started when its starter is killed", async () => {
    const mark = randomUUID();
    const script = `
      import { startTied } from ${JSON.stringify(join(import.meta.dirname, "tied-process.ts"))};
      const { child } = startTied("sh", ${JSON.stringify(program)}, {
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, MARK: ${JSON.stringify(mark)} },
      });
      child.stdout.pipe(process.stdout);
    `;
    const starter = spawn(process.execPath, ["--input-type=module", "--eval", script], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(starter.stdout, "data");
    expect(marked(mark).length).toBeGreaterThanOrEqual(3);
    starter.kill("SIGKILL");
    await gone(mark);
  });

  it("ends what the program left behind when the program ends", async () => {
    const mark = randomUUID();
    const tied = startTied("sh", ["-c", "sleep 1000 & exit 7"], {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, MARK: mark },
    });
    expect(await tied.exited).toEqual({ code: 7, signal: null });
    await gone(mark);
  });

  it("ends all of it when it is told to", async () => {
    const mark = randomUUID();
    const tied = startTied("sh", program, {
      stdio: ["ignore", "pipe", "pipe"],
      env: { ...process.env, MARK: mark },
    });
    await once(tied.child.stdout!, "data");
    tied.kill();
    expect(await tied.exited).toEqual({ code: null, signal: "SIGKILL" });
    await gone(mark);
  });

  it("gives the program no child that it did not start", async () => {
    const tied = startTied("sh", ["-c", "cat /proc/$$/task/$$/children"], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    const [output] = (await once(tied.child.stdout!, "data")) as [Buffer];
    await tied.exited;
    // The only child is the cat itself.
    expect(output.toString("utf8").trim().split(" ")).toHaveLength(1);
  });

  it("ends with code 127 when there is no such program", async () => {
    const tied = startTied("no-such-program", [], { stdio: ["ignore", "pipe", "pipe"] });
    expect(await tied.exited).toEqual({ code: 127, signal: null });
  });
});
