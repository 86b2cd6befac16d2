// One project per kind of test: unit needs nothing, the others need Debian packages, a cluster or machines.
import { defineConfig } from "vitest/config";
import { LongestFirst } from "./infra/checks/longest-first.ts";

const outside = { testTimeout: 120_000, hookTimeout: 600_000, fileParallelism: false };
/** Several files at a time: each waits for its machines or its cluster much of the time. */
const together = (maxWorkers: number) => ({ ...outside, fileParallelism: true, maxWorkers });

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          // Vitest leaves a core free otherwise: of two, half of the time.
          maxWorkers: "100%",
          include: [
            "{shared,control-plane,site-agent,infra}/**/*.test.ts",
            "test/tidy.test.ts",
            "test/trace/**/*.test.ts",
            "test/support/**/*.test.ts",
            "test/simulation/*/**/*.test.ts",
          ],
        },
      },
      { test: { name: "bench", include: ["test/bench/**/*.test.ts"], ...outside } },
      { test: { name: "simulation", include: ["test/simulation/*.test.ts"], ...outside } },
      { test: { name: "contract", include: ["test/contract/**/*.test.ts"], ...together(2) } },
      { test: { name: "protocol", include: ["test/protocol/**/*.test.ts"], ...outside } },
      { test: { name: "kubernetes", include: ["test/kubernetes/**/*.test.ts"], ...together(3) } },
      {
        test: {
          name: "machines",
          include: ["test/machines/**/*.test.ts"],
          ...together(2),
          testTimeout: 900_000,
          hookTimeout: 1_800_000,
        },
      },
    ],
  },
});
