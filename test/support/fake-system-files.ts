// The SystemFiles port over a table: /proc and /sys of a machine as data.
import type { SystemFiles } from "../../site-agent/ramdisk/ports.ts";

export interface MachineTree {
  /** Content by path; text, bytes above 127 as latin1. */
  readonly files: Readonly<Record<string, string>>;
  /** Where links lead in the end. Paths below a link are listed in `files` under the name they are read by. */
  readonly links: Readonly<Record<string, string>>;
}

export interface FakeSystemFiles extends SystemFiles {
  /** What was written, in order. */
  readonly written: readonly { readonly path: string; readonly text: string }[];
}

/** `tree` is asked at each call, so that a machine may change. */
export function makeFakeSystemFiles(tree: () => MachineTree): FakeSystemFiles {
  const written: { path: string; text: string }[] = [];
  const paths = (): string[] => {
    const { files, links } = tree();
    return [...Object.keys(files), ...Object.keys(links), ...Object.values(links)];
  };
  return {
    written,
    read(path) {
      const text = tree().files[path];
      return Promise.resolve(text === undefined ? undefined : Buffer.from(text, "latin1"));
    },
    list(path) {
      const below = paths().filter((each) => each.startsWith(`${path}/`));
      const names = below.map((each) => each.slice(path.length + 1).split("/", 1)[0] ?? "");
      return Promise.resolve([...new Set(names)].toSorted((a, b) => (a < b ? -1 : 1)));
    },
    realPath(path) {
      const exists = paths().some((each) => each === path || each.startsWith(`${path}/`));
      return Promise.resolve(tree().links[path] ?? (exists ? path : undefined));
    },
    write(path, text) {
      written.push({ path, text });
      return Promise.resolve(true);
    },
  };
}
