// Which image each stored extent stream is: a small JSON file, replaced as a whole at each change.
import { z } from "zod";
import { err } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import type { Clock, Files, Log } from "../../ports.ts";
import type { ImageErrorKind } from "../port.ts";
import { diskMessage } from "../source/spool.ts";

const entrySchema = z.object({
  /** Digest of URL and checksum: a URL may hold a secret and is not written down. */
  key: z.string(),
  /** Digest of URL and what was asked for, when that was the address of a checksum file; else `key`. */
  askedKey: z.string(),
  checksum: z.object({ algorithm: z.enum(["md5", "sha256", "sha512"]), digest: z.string() }),
  format: z.enum(["raw", "qcow2"]),
  contentDigest: z.string().regex(/^[0-9a-f]{64}$/),
  virtualBytes: z.number().int().positive(),
  dataBytes: z.number().int().nonnegative(),
  fileBytes: z.number().int().positive(),
  /** SHA-256 of the stream file, hex. */
  fileDigest: z.string(),
  lastUsedMs: z.number(),
});
export type CacheEntry = z.infer<typeof entrySchema>;

const indexSchema = z.object({ version: z.literal(1), entries: z.array(entrySchema) });

export interface CacheTools {
  readonly files: Files;
  readonly clock: Clock;
  readonly log: Log;
  /** Absolute path; ours alone. */
  readonly directory: string;
  readonly limitBytes: number;
}

function indexPath(directory: string): string {
  return `${directory}/index.json`;
}

export function contentPath(directory: string, contentDigest: string): string {
  return `${directory}/content/${contentDigest}.extents`;
}

/** Entries whose stream is there in full length. An index that cannot be read is none. */
export async function readIndex({ files, directory, log }: CacheTools): Promise<CacheEntry[]> {
  const read = await files.readFile(indexPath(directory));
  if (!read.ok) return [];
  const parsed = indexSchema.safeParse(parseJson(new TextDecoder().decode(read.value)));
  if (!parsed.success) {
    log.warn("image cache begins empty: its index is damaged");
    return [];
  }
  const whole: CacheEntry[] = [];
  for (const entry of parsed.data.entries) {
    const file = await files.open(contentPath(directory, entry.contentDigest), "read");
    if (!file.ok) continue;
    if (file.value.sizeBytes === entry.fileBytes) whole.push(entry);
    await file.value.close();
  }
  return whole;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Writes one after the other, in the order of the calls. */
export function makeIndexWriter({ files, directory }: CacheTools) {
  let before: Promise<unknown> = Promise.resolve();
  return (entries: readonly CacheEntry[]): Promise<Result<void, ImageErrorKind>> => {
    const bytes = new TextEncoder().encode(JSON.stringify({ version: 1, entries }));
    const written = before.then(async (): Promise<Result<void, ImageErrorKind>> => {
      const stored = await files.writeFile(indexPath(directory), bytes, { mode: 0o600 });
      return stored.ok ? stored : err("no-space", diskMessage(stored.error));
    });
    before = written;
    return written;
  };
}
