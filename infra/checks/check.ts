// npm run check: types, lint, format, unused code, fences and unit tests. No machines, no cluster; under a minute.
import { conclude } from "./run-stage.ts";
import { runChecks } from "./stages.ts";

conclude(await runChecks());
