// What spec.image.checksum and checksumType ask for: a digest in hex, or a checksum file in the forms of
// coreutils (sha256sum, md5sum; also --tag, which is BSD's form) or with one bare digest. Fetches nothing.
import { err, ok, quote } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";

export type ChecksumType = "md5" | "sha256" | "sha512" | "auto";

export interface Checksum {
  readonly algorithm: "md5" | "sha256" | "sha512";
  /** Lower-case hex. */
  readonly digest: string;
}

/** Larger ones are no checksum files, but for example web pages. */
export const maxChecksumFileBytes = 1024 * 1024;

const algorithmByLength: ReadonlyMap<number, Checksum["algorithm"]> = new Map([
  [32, "md5"],
  [64, "sha256"],
  [128, "sha512"],
]);
const strongestFirst = ["sha512", "sha256", "md5"] as const;

export function isChecksumUrl(checksum: string): boolean {
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(checksum);
}

export function readChecksum(text: string, type: ChecksumType): Result<Checksum, "checksum"> {
  const trimmed = text.trim();
  if (trimmed === "") return bad("it is empty; give a digest or the URL of a checksum file");
  const algorithm = algorithmOf(trimmed);
  if (algorithm === undefined) {
    return bad(`${quote(trimmed)} is neither an md5, sha256 or sha512 digest in hex nor a URL`);
  }
  if (type !== "auto" && type !== algorithm) {
    return bad(`checksumType is ${type} and the digest has the length of ${algorithm}`);
  }
  return ok({ algorithm, digest: trimmed.toLowerCase() });
}

/** The digest for the file `imageName` (the last part of the image's path) out of a checksum file. */
export function readChecksumFile(
  text: string,
  imageName: string,
  type: ChecksumType,
): Result<Checksum, "checksum"> {
  const entries = text.split("\n").flatMap((line) => readLine(line));
  if (entries.length === 0) return bad("the checksum file has no digest in it");
  const named = entries.filter(({ name }) => name === imageName);
  const [only] = entries;
  const bare = entries.length === 1 && only?.name === undefined ? entries : [];
  const candidates = named.length > 0 ? named : bare;
  if (candidates.length === 0) {
    const names = [...new Set(entries.map(({ name }) => quote(name ?? "(no name)")))];
    const more = names.length > 10 ? ` and ${names.length - 10} more` : "";
    return bad(
      `the checksum file does not name ${quote(imageName)}, but ${names.slice(0, 10).join(", ")}${more}`,
    );
  }
  return choose(candidates, type, imageName);
}

interface Line extends Checksum {
  readonly name: string | undefined;
}

/** Several digests of one file: the wanted kind, else the strongest. Two different ones: which is right? */
function choose(
  candidates: readonly Line[],
  type: ChecksumType,
  imageName: string,
): Result<Checksum, "checksum"> {
  const kinds = type === "auto" ? strongestFirst : [type];
  for (const kind of kinds) {
    const digests = new Set(
      candidates.filter(({ algorithm }) => algorithm === kind).map(({ digest }) => digest),
    );
    const [digest] = digests;
    if (digests.size > 1) return bad(`the checksum file has two digests for ${quote(imageName)}`);
    if (digest !== undefined) return ok({ algorithm: kind, digest });
  }
  return bad(`the checksum file has no ${type} digest for ${quote(imageName)}`);
}

function readLine(line: string): Line[] {
  const text = line.trim();
  if (text.startsWith("#")) return [];
  const tagged = /^[A-Za-z0-9/-]+ ?\((.+)\) ?= ?([0-9a-fA-F]+)$/.exec(text);
  if (tagged !== null) return makeLine(tagged[2], tagged[1]);
  // "\" before the digest: the name is escaped. " " or "*" before the name: text or binary mode.
  const plain = /^\\?([0-9a-fA-F]+)(?:\s+\*?(\S.*))?$/.exec(text);
  return plain === null ? [] : makeLine(plain[1], plain[2]);
}

function makeLine(digest = "", path: string | undefined): Line[] {
  const algorithm = algorithmOf(digest);
  if (algorithm === undefined) return [];
  return [{ algorithm, digest: digest.toLowerCase(), name: path?.split("/").at(-1) }];
}

function algorithmOf(digest: string): Checksum["algorithm"] | undefined {
  return /^[0-9a-fA-F]+$/.test(digest) ? algorithmByLength.get(digest.length) : undefined;
}

function bad(what: string): Result<never, "checksum"> {
  return err("checksum", `spec.image.checksum cannot be used: ${what}`);
}
