// Single flight: whoever wants an image that is being fetched joins, and the last to leave stops it.
import type { Progress } from "../../shared/protocol/ramdisk.ts";
import { err, ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { ImageCache } from "./cache/image-cache.ts";
import { formatMismatch } from "./decode/image-format.ts";
import { startImageJob } from "./image-job.ts";
import type { ImageJob, JobRequest, OpenedDisk } from "./image-job.ts";
import type { ImagingTools } from "./imaging-tools.ts";
import type { ImageErrorKind, OpenImage } from "./port.ts";

type Listener = (progress: Progress) => void;

interface Shared {
  readonly job: Promise<Result<ImageJob, ImageErrorKind>>;
  readonly listeners: Set<Listener>;
  ended: boolean;
}

export interface SharedJobs {
  join(
    request: JobRequest,
    onProgress: Listener,
    signal: AbortSignal,
  ): Promise<Result<OpenImage, ImageErrorKind>>;
}

export function makeSharedJobs(tools: ImagingTools, cache: ImageCache): SharedJobs {
  const running = new Map<string, Shared>();

  function start(request: JobRequest): Shared {
    const listeners = new Set<Listener>();
    const report: Listener = (progress) => {
      for (const listener of listeners) listener(progress);
    };
    const job = startImageJob(tools, cache, request, report);
    const shared: Shared = { job, listeners, ended: false };
    running.set(request.key, shared);
    void job.then(async (started) => {
      if (started.ok) await started.value.done;
      shared.ended = true;
      forget(request.key, shared);
      if (listeners.size === 0) await close(shared);
    });
    return shared;
  }

  function forget(key: string, shared: Shared): void {
    if (running.get(key) === shared) running.delete(key);
  }

  /** The last one to leave stops what runs; nobody may join it after that. */
  async function leave(key: string, shared: Shared, listener: Listener): Promise<void> {
    if (!shared.listeners.delete(listener) || shared.listeners.size > 0) return;
    if (shared.ended) return close(shared);
    forget(key, shared);
    const job = await shared.job;
    if (job.ok) job.value.stop();
  }

  return {
    async join(request, onProgress, signal) {
      const shared = running.get(request.key) ?? start(request);
      // One of our own for each interest: two may have the same function.
      const listener: Listener = (progress) => onProgress(progress);
      shared.listeners.add(listener);
      const release = (): void => void leave(request.key, shared, listener);
      signal.addEventListener("abort", release, { once: true });
      if (signal.aborted) release();
      const job = await shared.job;
      const opened = job.ok ? await orAborted(job.value.opened, signal) : job;
      const fits = opened.ok ? checkFormat(opened.value, request) : opened;
      if (job.ok && fits.ok) return ok(imageOf(job.value, fits.value, release));
      release();
      return fits.ok ? err("aborted", "The image is no longer wanted") : fits;
    },
  };
}

async function close({ job }: Shared): Promise<void> {
  const started = await job;
  if (started.ok) await started.value.close();
}

function checkFormat(disk: OpenedDisk, { said }: JobRequest): Result<OpenedDisk, ImageErrorKind> {
  return said === undefined || said === disk.format ? ok(disk) : formatMismatch(said, disk.format);
}

function imageOf(job: ImageJob, disk: OpenedDisk, release: () => void): OpenImage {
  return {
    virtualBytes: disk.virtualBytes,
    dataBytes: undefined,
    frames: () => job.frames(),
    verified: job.done.then((done) =>
      done.ok ? ok({ contentDigest: done.value.contentDigest }) : done,
    ),
    release,
  };
}

async function orAborted<T>(
  work: Promise<Result<T, ImageErrorKind>>,
  signal: AbortSignal,
): Promise<Result<T, ImageErrorKind>> {
  const aborted = Promise.withResolvers<Result<T, ImageErrorKind>>();
  const onAbort = (): void => aborted.resolve(err("aborted", "The image is no longer wanted"));
  signal.addEventListener("abort", onAbort, { once: true });
  if (signal.aborted) onAbort();
  const first = await Promise.race([work, aborted.promise]);
  signal.removeEventListener("abort", onAbort);
  return first;
}
