// Node runs this before anything else (--import) when PLANTED_BUG names a bug: modules that it edits are loaded with
// the bug in them.
import { registerHooks } from "node:module";
import { fileOf, plant, readBug } from "./planted-bug.ts";

const bug = readBug(process.env["PLANTED_BUG"] ?? "");
const files = new Set(bug.edits.map(({ file }) => file));

registerHooks({
  load(url, context, nextLoad) {
    const loaded = nextLoad(url, context);
    const file = fileOf(url);
    if (
      file === undefined ||
      !files.has(file) ||
      loaded.source === undefined ||
      loaded.source === null
    ) {
      return loaded;
    }
    const source =
      typeof loaded.source === "string" ? loaded.source : new TextDecoder().decode(loaded.source);
    return { ...loaded, source: plant(bug, file, source) };
  },
});
