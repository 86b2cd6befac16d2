// npm test: everything. Quick checks first; then protocol judges, the control plane on Node and Deno, a real
// Kubernetes API, and virtual machines.
import { conclude, runVitest } from "./run-stage.ts";
import { runChecks } from "./stages.ts";

const tallies = await runChecks();
for (const project of ["protocol", "contract", "kubernetes", "machines"]) {
  tallies.push(await runVitest(project));
}
conclude(tallies);
