import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startBackgroundProgram } from "./background-program.ts";
import { runProgram, tryProgram } from "./run-program.ts";

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "farrier-run-"));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

describe("runProgram", () => {
  it("returns what the program said when it ends well", async () => {
    const { stdout, stderr } = await runProgram("sh", ["-c", "cat; echo oops >&2"], {
      input: "hay",
    });
    expect({ stdout, stderr }).toEqual({ stdout: "hay", stderr: "oops\n" });
  });

  it("throws with the last lines and the log when the program ends badly", async () => {
    const logFile = join(folder, "bad.log");
    const script = "for i in $(seq 1 40); do echo line $i; done; exit 3";
    const error = await runProgram("sh", ["-c", script], { logFile }).catch(
      (cause: Error) => cause,
    );
    const { message } = error as Error;
    expect(message).toMatch(/^sh -c .* ended with code 3\n/);
    expect(message).toContain("line 40");
    expect(message).not.toContain("line 20\n");
    expect(message).toContain(`The whole log is ${logFile}`);
    expect(await readFile(logFile, "utf8")).toContain("line 1\n");
  });

  it("tells each whole line when it is asked to", async () => {
    const lines: string[] = [];
    await runProgram("printf", ["one\\ntwo\\nthree"], { onLine: (line) => lines.push(line) });
    expect(lines).toEqual(["one", "two"]);
  });
});

describe("tryProgram", () => {
  it("stops the program when it takes too long", async () => {
    const result = await tryProgram("sleep", ["1000"], { timeoutMs: 50 });
    expect(result).toEqual({
      code: 128,
      stdout: "",
      stderr: "\nsleep was stopped: it took over 50 ms",
    });
  });

  it("removes a variable when its value is undefined", async () => {
    process.env["FARRIER_TEST"] = "here";
    const env = { FARRIER_TEST: undefined, OTHER: "there" };
    const { stdout } = await tryProgram("sh", ["-c", "echo $FARRIER_TEST$OTHER"], { env });
    delete process.env["FARRIER_TEST"];
    expect(stdout).toBe("there\n");
  });
});

describe("startBackgroundProgram", () => {
  it("says how the program ended, without what an earlier one said", async () => {
    const logFile = join(folder, "background.log");
    const start = (script: string) => startBackgroundProgram("sh", ["-c", script], { logFile });
    expect(await start("echo older").exited).toContain("older");
    const program = start("echo newer; exit 4");
    const failure = await program.exited;
    expect(failure).toMatch(/^sh ended with code 4\nnewer\nThe whole log/);
    expect(program.failure()).toBe(failure);
  });

  it("asks first and kills then when it is stopped", async () => {
    const logFile = join(folder, "stop.log");
    const polite = startBackgroundProgram("sleep", ["1000"], { logFile });
    await polite.stop();
    expect(polite.failure()).toContain("SIGTERM");
    const script = 'trap "" TERM; echo deaf; while :; do sleep 1; done';
    const deaf = startBackgroundProgram("sh", ["-c", script], { logFile });
    while (!(await readFile(logFile, "utf8")).includes("deaf")) continue;
    await deaf.stop(50);
    expect(deaf.failure()).toContain("SIGKILL");
  });
});
