// The SystemFiles port over a table: /proc and /sys of a machine as data.
import type { SystemFiles } from "../../site-agent/ramdisk/ports.ts";

export interface MachineTree {
  /** Content by path; text, bytes above 127 as latin1. A function is asked at each reading. */
  readonly files: Readonly<Record<string, string | (() => string)>>;
  /** Where links lead in the end. Paths below a link are listed in `files` under the name they are read by. */
  readonly links: Readonly<Record<string, string>>;
}

export interface FakeSystemFiles extends SystemFiles {
  /** What was written, in order. */
  readonly written: readonly { readonly path: string; readonly text: string }[];
}

/** `tree` is asked at each call, so that a machine may change; the same tree again costs nothing. */
export function makeFakeSystemFiles(tree: () => MachineTree): FakeSystemFiles {
  const written: { path: string; text: string }[] = [];
  let known: { readonly tree: MachineTree; readonly folders: Folders } | undefined;
  const foldersNow = (): Folders => {
    const now = tree();
    if (known?.tree !== now) known = { tree: now, folders: foldersOf(now) };
    return known.folders;
  };
  return {
    written,
    read(path) {
      const file = tree().files[path];
      const text = typeof file === "function" ? file() : file;
      return Promise.resolve(text === undefined ? undefined : Buffer.from(text, "latin1"));
    },
    list: (path) => Promise.resolve(foldersNow().get(path) ?? []),
    realPath(path) {
      const { files, links } = tree();
      const target = links[path];
      if (target !== undefined) return Promise.resolve(target);
      const exists = path in files || foldersNow().has(path) || isLinkTarget(path, links);
      return Promise.resolve(exists ? path : undefined);
    },
    write(path, text) {
      written.push({ path, text });
      return Promise.resolve(true);
    },
  };
}

/** Sorted names by folder. */
type Folders = ReadonlyMap<string, readonly string[]>;

function foldersOf({ files, links }: MachineTree): Folders {
  const names = new Map<string, Set<string>>();
  for (const path of [...Object.keys(files), ...Object.keys(links), ...Object.values(links)]) {
    let rest = path;
    for (let slash = rest.lastIndexOf("/"); slash > 0; slash = rest.lastIndexOf("/")) {
      const folder = rest.slice(0, slash);
      const held = names.get(folder) ?? new Set();
      const name = rest.slice(slash + 1);
      // What is above is there already.
      if (held.has(name)) break;
      names.set(folder, held.add(name));
      rest = folder;
    }
  }
  const sorted = [...names].map(
    ([folder, held]) => [folder, [...held].toSorted((a, b) => (a < b ? -1 : 1))] as const,
  );
  return new Map(sorted);
}

function isLinkTarget(path: string, links: MachineTree["links"]): boolean {
  return Object.values(links).includes(path);
}
