import { describe, expect, test } from "vitest";
import { isChecksumUrl, readChecksum, readChecksumFile } from "./checksum.ts";
import type { ChecksumType } from "./checksum.ts";

const md5 = "d41d8cd98f00b204e9800998ecf8427e";
const sha256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const other = "00b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
const sha512 = sha256 + sha256;

function find(text: string, type: ChecksumType = "auto", name = "disk.qcow2"): string {
  const found = readChecksumFile(text, name, type);
  return found.ok ? `${found.value.algorithm}:${found.value.digest}` : found.error.message;
}

describe("readChecksum", () => {
  test("tells the algorithm by the digest's length when the type is auto", () => {
    expect(readChecksum(md5, "auto")).toEqual({
      ok: true,
      value: { algorithm: "md5", digest: md5 },
    });
    const upper = readChecksum(` ${sha256.toUpperCase()}\n`, "auto");
    expect(upper.ok && upper.value).toEqual({ algorithm: "sha256", digest: sha256 });
    const long = readChecksum(sha512, "sha512");
    expect(long.ok && long.value.algorithm).toBe("sha512");
  });

  test("refuses an empty one, other lengths and a type that does not fit", () => {
    for (const [text, type] of [
      ["", "auto"],
      [sha256.slice(1), "auto"],
      [`${sha256.slice(1)}g`, "auto"],
      [sha256, "md5"],
      [md5, "sha512"],
    ] as const) {
      expect(readChecksum(text, type).ok, text).toBe(false);
    }
    expect(isChecksumUrl("https://h/SHA256SUMS")).toBe(true);
    expect(isChecksumUrl(sha256)).toBe(false);
  });
});

describe("readChecksumFile", () => {
  test("finds the image's line in the forms of coreutils and BSD", () => {
    const want = `sha256:${sha256}`;
    expect(find(`${other}  a.img\n${sha256}  disk.qcow2\n`)).toBe(want);
    expect(find(`${other} *a.img\r\n${sha256} *disk.qcow2\r\n`)).toBe(want);
    expect(find(`${other}  a\n${sha256}  ./images/disk.qcow2`)).toBe(want);
    expect(find(`# comment\nSHA256 (a) = ${other}\nSHA256 (disk.qcow2) = ${sha256}`)).toBe(want);
    expect(find(`SHA256(disk.qcow2)= ${sha256}`)).toBe(want);
    expect(find(`${sha256}\n`)).toBe(want);
    expect(find(`${sha256}  a b.img`, "auto", "a b.img")).toBe(want);
    const signed = `-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\n${sha256}  disk.qcow2\n`;
    expect(find(`${signed}-----BEGIN PGP SIGNATURE-----\niQIzBAEBCAAdFiE\n`)).toBe(want);
  });

  test("takes the wanted kind, or the strongest, when the file has several", () => {
    const file = `MD5 (disk.qcow2) = ${md5}\nSHA512 (disk.qcow2) = ${sha512}\nSHA256 (disk.qcow2) = ${sha256}`;
    expect(find(file)).toBe(`sha512:${sha512}`);
    expect(find(file, "md5")).toBe(`md5:${md5}`);
    expect(find(file, "sha256")).toBe(`sha256:${sha256}`);
    expect(find(`${sha256}  disk.qcow2`, "md5")).toContain("no md5 digest");
    expect(find(`${sha256}  disk.qcow2\n${other}  x/disk.qcow2`)).toContain("two digests");
  });

  test("lists the names that it found when none is the image's", () => {
    expect(find(`${sha256}  a.img\n${other}  b.img`)).toMatch(
      /"disk\.qcow2", but "a\.img", "b\.img"$/,
    );
    const many = Array.from({ length: 12 }, (_, index) => `${sha256}  ${index}.img`).join("\n");
    expect(find(many)).toContain('"9.img" and 2 more');
    expect(find(`${sha256}\n${other}`)).toContain("(no name)");
    expect(find("<!DOCTYPE html><html>")).toContain("no digest");
  });
});
