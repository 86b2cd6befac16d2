// npm test: everything. Quick checks first; then two stages at a time where one mostly waits and the other computes:
// protocol judges beside the simulated fleet, a real Kubernetes API beside the control plane on Node and Deno. Virtual
// machines come last, alone.
import { conclude, runVitest } from "./run-stage.ts";
import { runChecks } from "./stages.ts";

const tallies = await runChecks();
for (const projects of [["protocol", "simulation"], ["kubernetes", "contract"], ["machines"]]) {
  tallies.push(...(await Promise.all(projects.map(runVitest))));
}
conclude(tallies);
