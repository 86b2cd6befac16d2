// Builds one program out of published Go modules, without a checkout: an empty module that requires
// what it needs, and `go build` of a package in it. The result is kept in the cache.

import { copyFile, mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { cached, cacheDirectory, findCached } from "./cache.ts";
import { findGo } from "./go-toolchain.ts";
import type { Progress } from "./progress.ts";
import { asStep } from "./progress.ts";
import { runProgram } from "./run-program.ts";

export interface GoProgram {
  /** Module path and version, for example "k8s.io/kubernetes" and "v1.36.3". */
  readonly module: string;
  readonly version: string;
  /** Import path of the main package. */
  readonly package: string;
  /** File name of the result. */
  readonly binary: string;
  /** Further modules to require, path → version: for a module whose parts are modules too. */
  readonly requires?: Readonly<Record<string, string>>;
  /**
   * The version of the modules that `module` requires at v0.0.0, which are published, but under
   * another version than their own go.mod file asks for (kubernetes/kubernetes#79384).
   */
  readonly unversioned?: string;
  /** Values for string variables, "import/path.name" → value (`-ldflags -X`). */
  readonly variables?: Readonly<Record<string, string>>;
  /** Folders of the module, name → path, whose files are kept beside the program under that name. */
  readonly folders?: Readonly<Record<string, string>>;
}

/** Returns the path of the program, built now or earlier. Throws with the end of the build log. */
export async function buildGoProgram(program: GoProgram, progress: Progress): Promise<string> {
  const { dir } = await cached(
    cacheName(program),
    cacheKey(program),
    (fresh) => build(program, fresh, progress),
    progress,
  );
  return join(dir, program.binary);
}

/** The path of the program if it was built before. */
export function findGoProgram(program: GoProgram): string | undefined {
  const dir = findCached(cacheName(program), cacheKey(program));
  return dir === undefined ? undefined : join(dir, program.binary);
}

function cacheName(program: GoProgram): string {
  return `go-program-${program.binary}`;
}

// The compiler's version is left out: a patched Go is no reason to wait minutes again.
function cacheKey(program: GoProgram): unknown {
  return { program, platform: process.platform, arch: process.arch };
}

async function build(program: GoProgram, dir: string, progress: Progress): Promise<void> {
  const compiler = await findGo(progress);
  const title = `build ${program.binary} ${program.version} from Go modules`;
  await asStep(progress, title, async (step) => {
    const scratch = join(dir, "scratch");
    await mkdir(scratch);
    const logFile = join(cacheDirectory(), cacheName(program), "build.log");
    await rm(logFile, { force: true });
    // For this machine, whatever the user's workspace or cross-compile settings say.
    const env = { CGO_ENABLED: "0", GOWORK: "off", GOOS: "linux", GOARCH: goArchitecture() };
    const go: RunGo = async (...args) =>
      (await runProgram(compiler, args, { cwd: scratch, logFile, env })).stdout;

    step.note("fetching modules");
    const { Dir, GoMod } = await downloadModule(go, program);
    await writeFile(join(scratch, "go.mod"), scratchModule(program, await readFile(GoMod, "utf8")));
    for (const [name, path] of Object.entries(program.folders ?? {})) {
      await copyFiles(join(Dir, path), join(dir, name));
    }
    step.note("compiling, which takes minutes the first time");
    const output = join(dir, program.binary);
    const flags = ["-mod=mod", "-trimpath", "-buildvcs=false", "-ldflags", linkFlags(program)];
    await go("build", ...flags, "-o", output, program.package);
    await rm(scratch, { recursive: true });
  });
}

/** Runs `go ARGS` in the scratch module and returns its stdout. */
type RunGo = (...args: string[]) => Promise<string>;

const downloadedModule = z.object({ Dir: z.string(), GoMod: z.string() });

async function downloadModule(go: RunGo, { module, version }: GoProgram) {
  const said = await go("mod", "download", "-json", `${module}@${version}`);
  return downloadedModule.parse(JSON.parse(said));
}

// One by one: a copied folder of the module cache would be read-only.
async function copyFiles(from: string, to: string): Promise<void> {
  await mkdir(to);
  for (const name of await readdir(from)) await copyFile(join(from, name), join(to, name));
}

function scratchModule(program: GoProgram, goMod: string): string {
  const requires = { [program.module]: program.version, ...program.requires };
  const lines = [
    "module scratch",
    `go ${/^go (\S+)$/m.exec(goMod)?.[1] ?? "1.26"}`,
    ...Object.entries(requires).map(([path, version]) => `require ${path} ${version}`),
  ];
  if (program.unversioned !== undefined) {
    for (const path of modulesAtZero(goMod)) {
      lines.push(`replace ${path} => ${path} ${program.unversioned}`);
    }
  }
  return `${lines.join("\n")}\n`;
}

/** The modules that a go.mod file requires at v0.0.0. */
export function modulesAtZero(goMod: string): string[] {
  const required = goMod.matchAll(/^(?:require\s+|\s+)(\S+) v0\.0\.0(?:\s*\/\/.*)?$/gm);
  return [...required].map((match) => match[1] ?? "").filter((path) => path !== "");
}

// -s -w: without symbol table and debug information the programs are a third smaller.
function linkFlags(program: GoProgram): string {
  const variables = Object.entries(program.variables ?? {});
  return ["-s", "-w", ...variables.map(([name, value]) => `-X '${name}=${value}'`)].join(" ");
}

function goArchitecture(): string {
  return process.arch === "x64" ? "amd64" : process.arch;
}
