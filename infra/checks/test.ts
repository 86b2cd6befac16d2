// npm test: everything. Quick checks first; then protocol judges and the simulated fleet, the control plane on Node
// and Deno, a real Kubernetes API, and virtual machines.
import { conclude, runVitest } from "./run-stage.ts";
import { runChecks } from "./stages.ts";

const tallies = await runChecks();
// Protocol judges mostly wait, and the simulation only computes.
tallies.push(...(await Promise.all(["protocol", "simulation"].map(runVitest))));
for (const project of ["contract", "kubernetes", "machines"]) {
  tallies.push(await runVitest(project));
}
conclude(tallies);
