import { expect, test } from "vitest";
import { librariesIn } from "./base-archive.ts";

const output = `/usr/sbin/blkdiscard:
\tlinux-vdso.so.1 (0x00007ffd4a5f2000)
\tlibblkid.so.1 => /lib/x86_64-linux-gnu/libblkid.so.1 (0x00007f1c1a5d0000)
\tlibc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f1c1a3ef000)
\t/lib64/ld-linux-x86-64.so.2 (0x00007f1c1a63a000)
`;

test("librariesIn names the files and the loader, but not what the kernel brings", () => {
  expect(librariesIn(output)).toEqual([
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/x86_64-linux-gnu/libblkid.so.1",
    "/lib/x86_64-linux-gnu/libc.so.6",
  ]);
});

test("librariesIn throws when a library is missing", () => {
  expect(() => librariesIn("\tlibnvme.so.1 => not found\n")).toThrow("libnvme.so.1");
});
