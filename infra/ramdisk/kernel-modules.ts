// Picks kernel modules with everything they depend on, out of a tree that depmod has indexed.
// It reads the text index (modules.dep); it loads nothing.

import { copyFile, mkdir, readFile, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { runProgram } from "../preparation/run-program.ts";

/**
 * Returns the paths of the named modules and of all they depend on, sorted.
 * @param modulesDep text of a modules.dep file: `path: path path …`, dependencies complete
 * @throws when a name is in no line: the table and the kernel disagree
 */
export function selectModules(modulesDep: string, names: readonly string[]): string[] {
  const byName = new Map<string, string[]>();
  for (const line of modulesDep.split("\n")) {
    const [path, needs] = line.split(":", 2);
    if (path === undefined || path === "" || needs === undefined) continue;
    byName.set(moduleName(path), [path, ...needs.split(" ").filter((need) => need !== "")]);
  }
  const chosen = new Set<string>();
  const pending = [...names];
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    const paths = byName.get(moduleName(name));
    if (paths === undefined) throw new Error(`This kernel has no module "${name}"`);
    for (const path of paths) {
      if (chosen.has(path)) continue;
      chosen.add(path);
      // busybox writes direct dependencies only, kmod the closure: walking serves both.
      pending.push(path);
    }
  }
  return [...chosen].toSorted();
}

// The kernel takes "-" and "_" in a module's name for the same.
function moduleName(path: string): string {
  return basename(path).replace(/\.ko$/, "").replaceAll("-", "_");
}

/** Copies the named modules from one `lib/modules/VERSION` folder into another and indexes that. */
export async function copyModules(
  from: string,
  to: { readonly root: string; readonly version: string },
  names: readonly string[],
): Promise<void> {
  const target = join(to.root, "lib/modules", to.version);
  const modulesDep = await readFile(join(from, "modules.dep"), "utf8");
  for (const path of selectModules(modulesDep, names)) {
    await mkdir(dirname(join(target, path)), { recursive: true });
    await copyFile(join(from, path), join(target, path));
  }
  await copyFile(join(from, "modules.builtin"), join(target, "modules.builtin"));
  await indexModules(to.root, to.version);
}

/** Writes modules.dep and modules.alias for `ROOT/lib/modules/VERSION`. */
export async function indexModules(root: string, version: string): Promise<void> {
  await runProgram("busybox", ["depmod", "-b", root, version]);
  await rm(join(root, "lib/modules", version, "modules.symbols"));
}
