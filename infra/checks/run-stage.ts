// One stage of the checks: a program or a vitest project, run to its end, its output shown when it fails.
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { constants, tmpdir } from "node:os";
import { join } from "node:path";
import { formatDuration } from "../preparation/progress.ts";

export interface Tally {
  passed: number;
  failed: number;
  /** Names of skipped tests. */
  skipped: string[];
}

interface VitestReport {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numFailedTestSuites: number;
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly assertionResults: readonly { readonly status: string; readonly fullName: string }[];
  }[];
}

/** A checker that passes or fails as a whole counts as one test. */
export async function runProgram(title: string, argv: readonly string[]): Promise<Tally> {
  const started = Date.now();
  const { code, output } = await run(argv, false);
  console.log(`${code === 0 ? "ok  " : "FAIL"} ${title} (${formatDuration(Date.now() - started)})`);
  if (code !== 0) console.log(output);
  return { passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: [] };
}

/** A vitest project, with its own output as it comes and its count from the JSON report. */
export async function runVitest(project: string): Promise<Tally> {
  const started = Date.now();
  const folder = mkdtempSync(join(tmpdir(), "farrier-check-"));
  const reportPath = join(folder, "report.json");
  try {
    const { code } = await run(
      [
        "vitest",
        "run",
        "--project",
        project,
        "--reporter=default",
        "--reporter=json",
        `--outputFile.json=${reportPath}`,
      ],
      true,
    );
    const tally = readTally(reportPath, code);
    const counts = `${tally.passed} passed, ${tally.failed} failed, ${tally.skipped.length} skipped`;
    console.log(
      `${tally.failed === 0 ? "ok  " : "FAIL"} ${project}: ${counts} (${formatDuration(Date.now() - started)})`,
    );
    return tally;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function readTally(path: string, code: number): Tally {
  if (!existsSync(path)) return { passed: 0, failed: 1, skipped: [] };
  const report = JSON.parse(readFileSync(path, "utf8")) as VitestReport;
  const skipped = report.testResults.flatMap((file) =>
    file.assertionResults
      .filter((test) => test.status !== "passed" && test.status !== "failed")
      .map((test) => test.fullName),
  );
  // A file that cannot be loaded has no failed test, and a run without a test is no success.
  const broken = report.testResults.filter(
    (file) =>
      file.status === "failed" && file.assertionResults.every((test) => test.status !== "failed"),
  ).length;
  const failed = report.numFailedTests + broken;
  const nothing = report.numPassedTests === 0 || (code !== 0 && failed === 0);
  return { passed: report.numPassedTests, failed: failed + (nothing ? 1 : 0), skipped };
}

function run(argv: readonly string[], show: boolean): Promise<{ code: number; output: string }> {
  const [program = "", ...args] = argv;
  return new Promise((resolve, reject) => {
    const child = spawn(join("node_modules", ".bin", program), args, {
      stdio: ["ignore", show ? "inherit" : "pipe", show ? "inherit" : "pipe"],
    });
    const stops = endWith(child);
    const chunks: Buffer[] = [];
    child.stdout?.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.stderr?.on("data", (chunk: Buffer) => chunks.push(chunk));
    child.once("error", reject);
    child.once("close", (code) => {
      const stopped = stops();
      if (stopped !== undefined) process.exit(128 + constants.signals[stopped]);
      resolve({ code: code ?? 1, output: Buffer.concat(chunks).toString("utf8") });
    });
  });
}

/** A terminal tells Ctrl-C to the child, too; then it is not told twice, which would cost it its own end in order. */
const tellsChildWithinMs = 2_000;

/** Who ends us ends the child. Afterwards says by which signal, if any. */
function endWith(child: ChildProcess): () => NodeJS.Signals | undefined {
  let stopped: NodeJS.Signals | undefined;
  const stop = (signal: NodeJS.Signals): void => {
    stopped = signal;
    setTimeout(() => child.kill(signal), signal === "SIGINT" ? tellsChildWithinMs : 0).unref();
  };
  process.on("SIGINT", stop).on("SIGTERM", stop);
  return () => {
    process.off("SIGINT", stop).off("SIGTERM", stop);
    return stopped;
  };
}

/** Prints the one closing line; the exit code says the same. */
export function conclude(tallies: readonly Tally[]): never {
  const passed = tallies.reduce((sum, tally) => sum + tally.passed, 0);
  const failed = tallies.reduce((sum, tally) => sum + tally.failed, 0);
  const skipped = tallies.flatMap((tally) => tally.skipped);
  for (const name of skipped) console.log(`skipped: ${name}`);
  console.log(`${passed} passed, ${failed} failed, ${skipped.length} skipped`);
  process.exit(failed === 0 ? 0 : 1);
}
