// From what a host asks for to what must be fetched: the address checked, the checksum known, and the keys
// under which the cache has it.
import { toHex } from "../../shared/bytes.ts";
import { ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { ImageCache } from "./cache/image-cache.ts";
import type { JobRequest } from "./image-job.ts";
import type { ImagingTools } from "./imaging-tools.ts";
import type { ImageErrorKind, ImageSource } from "./port.ts";
import { checkAddress } from "./source/address-policy.ts";
import {
  isChecksumUrl,
  maxChecksumFileBytes,
  readChecksum,
  readChecksumFile,
} from "./source/checksum.ts";
import type { Checksum } from "./source/checksum.ts";
import { getText } from "./source/http-source.ts";

export async function findWanted(
  tools: ImagingTools,
  cache: ImageCache,
  source: ImageSource,
  signal: AbortSignal,
): Promise<Result<JobRequest, ImageErrorKind>> {
  const url = checkAddress(source.url, tools.allowedHosts);
  if (!url.ok) return url;
  const byFile = isChecksumUrl(source.checksum);
  const askedKey = digestOf(tools, `${source.url}\n${source.checksumType} ${source.checksum}`);
  const read = byFile
    ? await fetchChecksum(tools, source, lastName(url.value), signal)
    : readChecksum(source.checksum, source.checksumType);
  const known = orKnown(read, cache, askedKey);
  if (!known.ok) return known;
  const checksum = known.value;
  const key = digestOf(tools, `${source.url}\n${checksum.algorithm} ${checksum.digest}`);
  const keys = { key, askedKey: byFile ? askedKey : key };
  return ok({ url: source.url, checksum, said: source.format, ...keys });
}

/** A site without its uplink still has what it once verified. */
function orKnown(
  read: Result<Checksum, ImageErrorKind>,
  cache: ImageCache,
  askedKey: string,
): Result<Checksum, ImageErrorKind> {
  if (read.ok || read.error.kind !== "unreachable") return read;
  const known = cache.findAsked(askedKey)?.checksum;
  return known === undefined ? read : ok(known);
}

async function fetchChecksum(
  tools: ImagingTools,
  source: ImageSource,
  imageName: string,
  signal: AbortSignal,
): Promise<Result<Checksum, ImageErrorKind>> {
  const text = await getText(tools, source.checksum, maxChecksumFileBytes, signal);
  if (!text.ok) return text;
  return readChecksumFile(text.value, imageName, source.checksumType);
}

function lastName(url: URL): string {
  const name = url.pathname.split("/").at(-1) ?? "";
  try {
    return decodeURIComponent(name);
  } catch {
    return name;
  }
}

function digestOf(tools: ImagingTools, text: string): string {
  const hash = tools.crypto.hash("sha256");
  hash.update(new TextEncoder().encode(text));
  return toHex(hash.digest());
}
