// Which seeds the tests play: others for each revision, and the same for one.
import { execFileSync } from "node:child_process";

/** Throws where there is no git. */
export function firstSeed(): number {
  const revision = execFileSync("git", ["rev-parse", "HEAD"], { cwd: import.meta.dirname });
  return Number.parseInt(revision.toString().slice(0, 7), 16);
}
