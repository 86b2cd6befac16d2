// Single parts of the source file, ahead of the download that brings all of it: a qcow2 image may keep its
// tables behind the data that they describe. What was read ahead is compared with the download afterwards.
import { toHex } from "../../../shared/bytes.ts";
import { err, ok } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import type { Crypto } from "../../ports.ts";
import type { ImageErrorKind } from "../port.ts";
import { showUrl } from "./address-policy.ts";
import { changeOf } from "./download.ts";
import type { SourceFile } from "./download.ts";
import { discard, get, kindOf } from "./http-source.ts";
import type { SourceTools } from "./http-source.ts";
import type { Spool } from "./spool.ts";

export interface Ranges {
  /** From the spool when it is there already or the server has no ranges; else from the server at once. */
  readAhead(offset: number, length: number): Promise<Result<Uint8Array, ImageErrorKind>>;
  /** Once the spool is whole: error "changed" when any part that was read ahead is not what came. */
  compare(): Promise<Result<void, ImageErrorKind>>;
}

/** Smaller parts are not worth a request each: the spool will have them soon. */
const minBytes = 64 * 1024;

export function makeRanges(
  tools: SourceTools & { readonly crypto: Crypto },
  file: SourceFile,
  spool: Spool,
  signal: AbortSignal,
): Ranges {
  const taken: { offset: number; length: number; digest: string }[] = [];
  let supported = file.totalBytes !== undefined;

  const digestOf = (bytes: Uint8Array): string => {
    const hash = tools.crypto.hash("sha256");
    hash.update(bytes);
    return toHex(hash.digest());
  };

  return {
    async readAhead(offset, length) {
      const inFile = offset + length <= (file.totalBytes ?? 0);
      if (!supported || !inFile || length < minBytes || spool.has(offset, length)) {
        return spool.read(offset, length);
      }
      const bytes = await requestPart(tools, file, { offset, length }, signal);
      if (bytes.ok && bytes.value !== undefined) {
        taken.push({ offset, length, digest: digestOf(bytes.value) });
        return ok(bytes.value);
      }
      // A server that answers single ranges badly may still deliver the whole: that is what decides.
      if (!bytes.ok && bytes.error.kind !== "unreachable") return bytes;
      supported = false;
      return spool.read(offset, length);
    },
    async compare() {
      for (const { offset, length, digest } of taken) {
        const came = await spool.read(offset, length);
        if (!came.ok) return came;
        if (digestOf(came.value) !== digest) {
          return err(
            "changed",
            `${showUrl(file.url)} changed in the middle of the download; try again`,
          );
        }
      }
      return ok(undefined);
    },
  };
}

/** Undefined when the server does not give exactly this part. */
async function requestPart(
  tools: SourceTools,
  file: SourceFile,
  { offset, length }: { readonly offset: number; readonly length: number },
  signal: AbortSignal,
): Promise<Result<Uint8Array | undefined, ImageErrorKind>> {
  const last = offset + length - 1;
  const answer = await get(tools, file.url.href, { range: `bytes=${offset}-${last}` }, signal);
  if (!answer.ok) return answer;
  const changed = changeOf(file, answer.value);
  const { response } = answer.value;
  const whole = `bytes ${offset}-${last}/${file.totalBytes}`;
  const isWanted = response.status === 206 && response.headers["content-range"] === whole;
  if (changed !== undefined || !isWanted) {
    discard(response);
    return changed ?? ok(undefined);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for await (const chunk of response.body) {
    if (!chunk.ok) return err(kindOf(chunk.error), chunk.error.message);
    if (at + chunk.value.length > length) return ok(undefined);
    bytes.set(chunk.value, at);
    at += chunk.value.length;
  }
  return ok(at === length ? bytes : undefined);
}
