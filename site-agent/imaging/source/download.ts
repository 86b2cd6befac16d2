// Brings an image's source file from its server into the spool, once, in order, hashing what arrives. A broken
// transfer goes on where it stopped, as long as the server still has the same file; else it ends.
import { err, ok } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import type { Clock, Hash, HttpResponse, Log } from "../../ports.ts";
import type { ImageErrorKind } from "../port.ts";
import { showUrl } from "./address-policy.ts";
import { discard, get, kindOf } from "./http-source.ts";
import type { Answer, SourceTools } from "./http-source.ts";
import type { Spool } from "./spool.ts";

/** What the server said of the file when the download began; all of it must stay so. */
export interface SourceFile {
  readonly url: URL;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  /** Absent when the server does not say. */
  readonly totalBytes: number | undefined;
}

export interface Download {
  readonly tools: SourceTools & { readonly clock: Clock; readonly log: Log };
  readonly address: string;
  readonly spool: Spool;
  readonly hash: Hash;
  readonly maxBytes: number;
  readonly signal: AbortSignal;
  /** Called once, before the first byte; an error ends the download. */
  onStart(file: SourceFile): Promise<Result<void, ImageErrorKind>>;
  onBytes(doneBytes: number): void;
}

/** Waits before each further try; a try that brought a MiB begins the list anew. */
const retryDelaysMs = [1_000, 2_000, 4_000, 8_000, 16_000];
const progressBytes = 1024 * 1024;

/** Returns when the whole file is in the spool; the spool is finished or failed by the caller. */
export async function download(job: Download): Promise<Result<void, ImageErrorKind>> {
  const { clock, log } = job.tools;
  const state: State = { file: undefined, doneBytes: 0 };
  let tries = 0;
  for (;;) {
    const before = state.doneBytes;
    const done = await attempt(job, state);
    // A download that never began is tried again by whoever asked for it, who can wait longer.
    const broken = !done.ok && done.error.kind === "unreachable" && state.file !== undefined;
    if (done.ok || !broken) return done;
    if (state.doneBytes - before >= progressBytes) tries = 0;
    const delayMs = retryDelaysMs[tries];
    if (delayMs === undefined) return done;
    tries += 1;
    log.warn("image download goes on after a break", {
      doneBytes: state.doneBytes,
      why: done.error.message,
      delayMs,
    });
    await clock.sleep(delayMs, job.signal);
    if (job.signal.aborted) return err("aborted", "The image is no longer wanted");
  }
}

interface State {
  file: SourceFile | undefined;
  doneBytes: number;
}

async function attempt(job: Download, state: State): Promise<Result<void, ImageErrorKind>> {
  const { file } = state;
  if (file === undefined) return firstAttempt(job, state);
  const headers = {
    range: `bytes=${state.doneBytes}-`,
    ...(isStrong(file.etag) ? { "if-range": file.etag } : {}),
  };
  const answer = await get(job.tools, file.url.href, headers, job.signal);
  if (!answer.ok) return answer;
  const { response } = answer.value;
  const from = response.status === 200 ? 0 : rangeStart(response, file);
  const wrong =
    from === 0 || from === state.doneBytes ? undefined : changedError(file.url, "its range");
  const changed = changeOf(file, answer.value) ?? wrong;
  if (changed === undefined) return copy(job, state, response, from ?? 0);
  discard(response);
  return changed;
}

async function firstAttempt(job: Download, state: State): Promise<Result<void, ImageErrorKind>> {
  const answer = await get(job.tools, job.address, {}, job.signal);
  if (!answer.ok) return answer;
  const { response, url } = answer.value;
  if (response.status !== 200) {
    discard(response);
    return err("not-found", `${showUrl(url)} answered ${response.status}; check the address`);
  }
  const file = describe(answer.value);
  if (file.totalBytes === 0) return err("format", `${showUrl(url)} is empty; check the address`);
  if ((file.totalBytes ?? 0) > job.maxBytes) return tooLarge(job, file.totalBytes);
  state.file = file;
  const started = await job.onStart(file);
  if (started.ok) return copy(job, state, response, 0);
  discard(response);
  return started;
}

function describe({ response, url }: Answer): SourceFile {
  const length = response.headers["content-length"];
  return {
    url,
    etag: response.headers["etag"],
    lastModified: response.headers["last-modified"],
    totalBytes: length !== undefined && /^\d{1,15}$/.test(length) ? Number(length) : undefined,
  };
}

/** RFC 9110 section 13.1.5: a weak validator cannot stand in If-Range. */
function isStrong(etag: string | undefined): etag is string {
  return etag !== undefined && !etag.startsWith("W/");
}

/** An error when a later answer is not about the same file. */
export function changeOf(
  file: SourceFile,
  answer: Answer,
): Result<never, ImageErrorKind> | undefined {
  const { response } = answer;
  if (response.status === 416) return changedError(file.url, "its length");
  const now = describe(answer);
  // RFC 9110 section 15.3.7: a partial answer may leave validators out; the checksum judges in the end.
  if (differ(now.etag, file.etag)) return changedError(file.url, "its ETag");
  if (differ(now.lastModified, file.lastModified)) {
    return changedError(file.url, "its Last-Modified");
  }
  const total = response.status === 206 ? rangeTotal(response) : now.totalBytes;
  const same = file.totalBytes === undefined || total === file.totalBytes;
  return same ? undefined : changedError(file.url, "its length");
}

function differ(now: string | undefined, before: string | undefined): boolean {
  return now !== undefined && before !== undefined && now !== before;
}

function changedError(url: URL, what: string): Result<never, ImageErrorKind> {
  return err("changed", `${showUrl(url)} changed ${what} in the middle of the download; try again`);
}

function rangeTotal(response: HttpResponse): number | undefined {
  const total = /^bytes \d+-\d+\/(\d{1,15})$/.exec(response.headers["content-range"] ?? "")?.[1];
  return total === undefined ? undefined : Number(total);
}

/** First byte of a 206 that goes to the file's end; undefined for any other. */
function rangeStart(response: HttpResponse, file: SourceFile): number | undefined {
  const range = /^bytes (\d{1,15})-(\d{1,15})\//.exec(response.headers["content-range"] ?? "");
  const toEnd = file.totalBytes === undefined || Number(range?.[2]) === file.totalBytes - 1;
  return range === null || !toEnd ? undefined : Number(range[1]);
}

/** Copies the body, which begins at byte `from` of the file; what the spool has already is skipped. */
async function copy(
  job: Download,
  state: State,
  response: HttpResponse,
  from: number,
): Promise<Result<void, ImageErrorKind>> {
  let at = from;
  for await (const chunk of response.body) {
    if (!chunk.ok) return err(kindOf(chunk.error), chunk.error.message);
    const fresh = chunk.value.subarray(Math.max(0, state.doneBytes - at));
    at += chunk.value.length;
    if (state.doneBytes + fresh.length > Math.min(job.maxBytes, total(state))) {
      return tooLarge(job, state.file?.totalBytes);
    }
    job.hash.update(fresh);
    const kept = await job.spool.append(fresh);
    if (!kept.ok) return kept;
    state.doneBytes += fresh.length;
    if (fresh.length > 0) job.onBytes(state.doneBytes);
  }
  const { file } = state;
  if (file?.totalBytes === undefined || state.doneBytes === file.totalBytes) return ok(undefined);
  const part = `${state.doneBytes} of ${file.totalBytes} bytes`;
  return err("unreachable", `${showUrl(file.url)} was cut off after ${part}; try again`);
}

function total(state: State): number {
  return state.file?.totalBytes ?? Number.POSITIVE_INFINITY;
}

function tooLarge(job: Download, totalBytes: number | undefined): Result<never, ImageErrorKind> {
  if (totalBytes !== undefined && totalBytes <= job.maxBytes) {
    return err("changed", `The server sent more than the ${totalBytes} bytes that it announced`);
  }
  const size = totalBytes === undefined ? "" : ` of ${totalBytes} bytes`;
  return err(
    "no-space",
    `The image${size} does not fit the agent's cache of ${job.maxBytes} bytes; enlarge the cache`,
  );
}
