// The fences that the compiler and lint cannot hold: who may import whom, folder sizes, file headers, names.
// Parses the import lines itself and fails if it looked at no files.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { expect, test } from "vitest";

const root = join(import.meta.dirname, "..");
const files = execFileSync("git", ["ls-files", "-co", "--exclude-standard", "--", "*.ts"], {
  cwd: root,
  encoding: "utf8",
})
  .split("\n")
  .filter((file) => file !== "" && existsSync(join(root, file)));

interface Import {
  readonly file: string;
  readonly target: string;
}

const imports: Import[] = files.flatMap((file) => {
  const text = readFileSync(join(root, file), "utf8");
  return [
    ...text.matchAll(/^(?:import|export)\s[^"';]*?from\s+"([^"]+)"|^import\s+"([^"]+)"/gm),
  ].map((match) => ({
    file,
    target: match[1] ?? match[2] ?? "",
  }));
});

function isTest(file: string): boolean {
  return file.endsWith(".test.ts") || file.startsWith("test/");
}

/** The repository path that a relative import names. */
function resolved({ file, target }: Import): string | undefined {
  return target.startsWith(".") ? normalize(join(dirname(file), target)) : undefined;
}

/** Imports of product code from `folder` whose target the test calls wrong. */
function wrong(
  folder: string,
  isWrong: (path: string | undefined, target: string) => boolean,
): string[] {
  return imports
    .filter(({ file }) => file.startsWith(folder) && !isTest(file))
    .filter((each) => isWrong(resolved(each), each.target))
    .map(({ file, target }) => `${file} → ${target}`);
}

const inside = (path: string | undefined, ...folders: string[]) =>
  path === undefined || folders.some((folder) => path.startsWith(`${folder}/`));

test("the fences look at every part of the tree", () => {
  for (const folder of ["shared/", "control-plane/", "site-agent/", "infra/"]) {
    expect(files.filter((file) => file.startsWith(folder)).length).toBeGreaterThan(5);
  }
  expect(imports.length).toBeGreaterThan(files.length);
});

test("shared imports only itself, zod and hashes", () => {
  expect(
    wrong("shared/", (path, target) =>
      path === undefined ? !/^(zod|@noble\/hashes\/.+)$/.test(target) : !inside(path, "shared"),
    ),
  ).toEqual([]);
});

test("what all machines share knows nothing of OpenShift's", () => {
  expect(wrong("shared/machine/", (path) => inside(path ?? "", "shared/openshift"))).toEqual([]);
});

test("control-plane and site-agent know only themselves and shared", () => {
  expect(
    wrong("control-plane/", (path) => !inside(path, "control-plane", "shared", "migrations")),
  ).toEqual([]);
  expect(wrong("site-agent/", (path) => !inside(path, "site-agent", "shared"))).toEqual([]);
});

test("nobody imports test", () => {
  for (const folder of ["shared/", "control-plane/", "site-agent/", "infra/"]) {
    expect(wrong(folder, (path) => path?.startsWith("test/") === true)).toEqual([]);
  }
});

test("the control plane touches its runtime in entry/ only", () => {
  const found = wrong(
    "control-plane/",
    (_path, target) => target.startsWith("node:") || target === "ws",
  );
  expect(found.filter((line) => !line.startsWith("control-plane/entry/"))).toEqual([]);
});

test("only compose files and entries name the control plane's adapters", () => {
  const naming = wrong(
    "control-plane/",
    (path) => path?.startsWith("control-plane/store/") === true,
  );
  expect(naming.filter((line) => !/^control-plane\/(compose|entry\/|store\/)/.test(line))).toEqual(
    [],
  );
});

test("only programs name the agent's adapters", () => {
  const naming = wrong("site-agent/", (path) =>
    /^site-agent\/(ramdisk\/)?adapters\//.test(path ?? ""),
  );
  expect(
    naming.filter(
      (line) => !/^site-agent\/((ramdisk\/)?main\.ts|(ramdisk\/)?adapters\/)/.test(line),
    ),
  ).toEqual([]);
});

test("every file opens with a comment that says what it is for", () => {
  const bare = files.filter((file) => {
    const text = readFileSync(join(root, file), "utf8").replace(/^#!.*\n/, "");
    return !text.startsWith("//") && !text.startsWith("/*");
  });
  expect(bare).toEqual(bare.filter(isTest));
});

test("no folder holds more than twelve source files beside tables, tests and one adapter a port", () => {
  const counts = new Map<string, number>();
  for (const file of files) {
    if (isTest(file) || file.endsWith(".table.ts")) continue;
    counts.set(dirname(file), (counts.get(dirname(file)) ?? 0) + 1);
  }
  expect(
    [...counts].filter(([folder, count]) => count > (folder === "site-agent/adapters" ? 20 : 12)),
  ).toEqual([]);
});

test("folder and file names say what is inside", () => {
  const vague = /(^|\/)(utils?|helpers?|common|misc|lib|managers?|services?|types)(\.ts|\/)/;
  expect(files.filter((file) => vague.test(file))).toEqual([]);
});

test("there is no lint waiver in the tree", () => {
  const waiver = /(oxlint|eslint)-disable|@ts-(ignore|nocheck|expect-error)/;
  const self = "test/tidy.test.ts";
  expect(
    files.filter((file) => file !== self && waiver.test(readFileSync(join(root, file), "utf8"))),
  ).toEqual([]);
});
