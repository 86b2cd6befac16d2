// The SystemFiles port on node:fs.

import { readFile, readdir, realpath, writeFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import type { NetworkAddress, SystemFiles } from "../ports.ts";

export const nodeSystemFiles: SystemFiles = {
  // The kernel answers for absent hardware with every code there is (EINVAL, ENXIO, EIO …).
  read: (path) => readFile(path).catch(() => undefined),
  list: async (path) => (await readdir(path).catch(() => [])).toSorted(byName),
  realPath: (path) => realpath(path).catch(() => undefined),
  write: (path, text) =>
    writeFile(path, text).then(
      () => true,
      () => false,
    ),
};

export function nodeAddresses(): readonly NetworkAddress[] {
  return Object.entries(networkInterfaces()).flatMap(([name, addresses]) =>
    (addresses ?? []).map(({ address, family }) => ({ name, address, family })),
  );
}

function byName(a: string, b: string): number {
  return a < b ? -1 : 1;
}
