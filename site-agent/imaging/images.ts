// Images for the hosts of a site: each fetched once however many hosts want it, kept as an extent stream, and
// given up when nobody wants it any more.
import { ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import { openImageCache } from "./cache/image-cache.ts";
import type { ImageCache } from "./cache/image-cache.ts";
import { openStored } from "./cache/stored-image.ts";
import { formatMismatch } from "./decode/image-format.ts";
import type { ImagingConfig, ImagingPorts, ImagingTools } from "./imaging-tools.ts";
import type { ImageErrorKind, Images, ImageSource, OpenImage } from "./port.ts";
import { makeSharedJobs } from "./shared-jobs.ts";
import type { SharedJobs } from "./shared-jobs.ts";
import { findWanted } from "./wanted-image.ts";

const defaultMaxVirtualBytes = 64 * 2 ** 40;
/** Without a byte for so long a transfer counts as broken. */
const stallMs = 60_000;

/** The cache's folder is opened with the first image, and tried again as long as that fails. */
export function makeImages(wiring: ImagingPorts & { readonly config: ImagingConfig }): Images {
  const { config, ...ports } = wiring;
  const tools: ImagingTools = {
    ...ports,
    stallMs,
    cacheBytes: config.cacheBytes,
    maxVirtualBytes: config.maxVirtualBytes ?? defaultMaxVirtualBytes,
    allowedHosts: config.allowedHosts ?? [],
  };
  let opening: Promise<Result<Opened, ImageErrorKind>> | undefined;
  return {
    async open(source, onProgress, signal) {
      opening ??= openCache(tools, config);
      const opened = await opening;
      if (!opened.ok) {
        opening = undefined;
        return opened;
      }
      const { cache, jobs } = opened.value;
      const wanted = await findWanted(tools, cache, source, signal);
      if (!wanted.ok) return wanted;
      const stored = await findStored(tools, opened.value, wanted.value.key, source);
      if (!stored.ok) return stored;
      if (stored.value === undefined) return jobs.join(wanted.value, onProgress, signal);
      onProgress({ step: "Fetching", detail: "from the site's cache" });
      return ok(stored.value);
    },
  };
}

interface Opened {
  readonly cache: ImageCache;
  readonly jobs: SharedJobs;
  /** Streams that were read in full since the start and were what the index says. */
  readonly checked: Set<string>;
}

async function openCache(
  tools: ImagingTools,
  { cacheDirectory, cacheBytes }: ImagingConfig,
): Promise<Result<Opened, ImageErrorKind>> {
  const cache = await openImageCache({
    ...tools,
    directory: cacheDirectory,
    limitBytes: cacheBytes,
  });
  if (!cache.ok) return cache;
  const jobs = makeSharedJobs(tools, cache.value);
  return ok({ cache: cache.value, jobs, checked: new Set() });
}

async function findStored(
  tools: ImagingTools,
  { cache, checked }: Opened,
  key: string,
  { format }: ImageSource,
): Promise<Result<OpenImage | undefined, ImageErrorKind>> {
  const entry = cache.find(key);
  if (entry === undefined) return ok(undefined);
  if (format !== undefined && format !== entry.format) return formatMismatch(format, entry.format);
  return ok(await openStored({ ...tools, cache, checked }, entry));
}
