// npm run generate: writes what is generated from the schemas and rule tables, next to this file and into
// infra/manifests. Run it after a change there; a test fails when the files are stale.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { generatedFiles } from "./generated-files.ts";

for (const [path, text] of generatedFiles()) {
  writeFileSync(join(import.meta.dirname, "..", path), text);
  console.log(`wrote infra/${path}`);
}
