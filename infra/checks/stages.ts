// The quick stages, in the order in which a mistake is cheapest to see.
import { runProgram, runVitest, type Tally } from "./run-stage.ts";

export async function runChecks(): Promise<Tally[]> {
  return [
    await runProgram("types", ["tsc", "--build"]),
    await runProgram("lint", ["oxlint", "--type-aware"]),
    await runProgram("format", ["oxfmt", "--check", "."]),
    await runProgram("unused code", ["knip"]),
    await runVitest("unit"),
  ];
}
