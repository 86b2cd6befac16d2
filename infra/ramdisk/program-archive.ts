// The part of the ramdisk that is our code: one bundled file, packed as an archive of its own, so
// that a changed line costs no new base. Not cached: bundling takes less time than asking.

import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { build } from "esbuild";
import { packArchive } from "./archive.ts";

// Packages of the older module kind call require(), which a module file does not have.
const banner = `import { createRequire } from "node:module";
const require = createRequire(import.meta.url);`;

/** Bundles the program at `entryPath` and packs it into the file `target`. */
export async function writeProgramArchive(entryPath: string, target: string): Promise<void> {
  const root = await mkdtemp(join(tmpdir(), "farrier-program-"));
  try {
    await mkdir(join(root, "farrier"));
    await build({
      entryPoints: [entryPath],
      outfile: join(root, "farrier/ramdisk.mjs"),
      bundle: true,
      platform: "node",
      target: "node24",
      format: "esm",
      banner: { js: banner },
      legalComments: "none",
      logLevel: "silent",
    });
    await packArchive(root, target, 3);
  } finally {
    await rm(root, { recursive: true, force: true });
  }
}
