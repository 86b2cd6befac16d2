// The write step: the image onto the one right disk, and only if everything that can be known beforehand is
// right. A failure at any time leaves a disk that does not boot, never one that boots something half.
import { fromBase64 } from "../../../shared/bytes.ts";
import { diskIdentityOf } from "../../../shared/host/disk-identity.ts";
import type { Frame } from "../../../shared/protocol/extent-stream.ts";
import type { RamdiskStep, StepFailure } from "../../../shared/protocol/ramdisk.ts";
import { err, ok } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import { signaturePlaces } from "../erase/signature-places.ts";
import { readDisks } from "../inventory/read-disks.ts";
import type { Disk } from "../ports.ts";
import { stepError } from "../step.ts";
import type { OutcomeOf, StepContext, StepResult } from "../step.ts";
import { addBootEntry } from "./boot-entry.ts";
import { chooseDisk } from "./choose-disk.ts";
import type { ChosenDisk } from "./choose-disk.ts";
import { DiskWriter } from "./disk-writer.ts";
import { fetchFrames } from "./fetch-frames.ts";
import { finishDisk } from "./finish-disk.ts";

type WriteStep = Extract<RamdiskStep, { kind: "write" }>;
type Kind = StepFailure["kind"];

/** A broken transfer is fetched again from its beginning, so often in all. */
const fetchTries = 4;
const fetchPauseMs = 3_000;

export async function writeStep(
  step: WriteStep,
  context: StepContext,
): Promise<StepResult<OutcomeOf<"write">>> {
  const { ports } = context;
  const configDrive = step.configDrive === undefined ? undefined : fromBase64(step.configDrive);
  if (configDrive === undefined && step.configDrive !== undefined) {
    return stepError("unsupported", "The config drive is not base64", false);
  }
  const listed = await readDisks(ports.system);
  const chosen = chooseDisk(listed, step.approvedDisks, step.rootDeviceHints);
  if (!chosen.ok) return stepError(chosen.error.kind, chosen.error.message, false);
  ports.log.info("disk chosen", { disk: chosen.value.description });
  const problem = diskProblem(chosen.value, step.virtualBytes);
  if (problem !== undefined) return stepError(problem.kind, problem.message, false);
  const opened = await ports.disks.open(chosen.value.listed.devicePath);
  if (!opened.ok) return stepError("io", opened.error.message, false);
  const work = { step, context, chosen: chosen.value, disk: opened.value, configDrive };
  const written = await writeDisk(work);
  await opened.value.close();
  if (!written.ok) return written;
  return { ok: true, value: await describeResult(work, written.value) };
}

function diskProblem(
  { listed, description }: ChosenDisk,
  virtualBytes: number,
): { kind: Kind; message: string } | undefined {
  if (listed.readOnly) return { kind: "io", message: `Disk ${description} is read-only` };
  const sizeBytes = listed.storage.sizeBytes ?? 0;
  if (sizeBytes >= virtualBytes) return undefined;
  return {
    kind: "too-small",
    message: `The image needs ${virtualBytes} bytes and disk ${description} has ${sizeBytes}; choose a larger disk by spec.rootDeviceHints or a smaller image`,
  };
}

interface Work {
  readonly step: WriteStep;
  readonly context: StepContext;
  readonly chosen: ChosenDisk;
  readonly disk: Disk;
  readonly configDrive: Uint8Array | undefined;
}

interface Written {
  readonly writer: DiskWriter;
  readonly contentDigest: string;
  /** The disk's first MiB. */
  readonly head: { readonly offset: number; readonly bytes: Uint8Array };
}

type Failed = { readonly ok: false; readonly error: StepFailure };

async function writeDisk(work: Work): Promise<{ ok: true; value: Written } | Failed> {
  const { context, chosen, disk } = work;
  // The agent must be able to give the image at all before anything is destroyed for it.
  const first = await openStream(work);
  if (!first.ok) return stepError(first.error.kind, first.error.message, false);
  const may = await context.mayDestroy([diskIdentityOf(chosen.listed.storage)]);
  if (!may.ok) {
    await first.value.return();
    return stepError(may.error.kind, may.error.message, false);
  }
  const cleared = await clear(disk);
  if (!cleared.ok) return stepError("io", cleared.error.message, true);
  const received = await receive(work, first.value);
  if (!received.ok) return stepError(received.error.kind, received.error.message, true);
  const { writer, contentDigest } = received.value;
  if (work.configDrive !== undefined) context.onProgress({ step: "WritingConfigDrive" });
  const finished = await finishDisk({
    disk,
    withheld: writer.withheld,
    configDrive: work.configDrive,
    uniqueGuid: context.ports.crypto.randomBytes(16),
  });
  if (!finished.ok) return stepError(finished.error.kind, finished.error.message, true);
  return { ok: true, value: { writer, contentDigest, head: finished.value } };
}

type Frames = AsyncGenerator<Result<Frame, "broken" | "refused">, void>;

/** The stream after its header, which agrees with what the step says. */
async function openStream({ step, context }: Work): Promise<Result<Frames, Kind>> {
  const frames = fetchFrames(context, step.extentsPath);
  const next = await frames.next();
  if (next.done === true) return err("stream", "The extent stream is empty");
  if (!next.value.ok) return err(streamKind(context), next.value.error.message);
  const frame = next.value.value;
  if (frame.type === "header" && frame.virtualBytes === step.virtualBytes) return ok(frames);
  await frames.return();
  return err("stream", `The extent stream is not for a disk of ${step.virtualBytes} bytes`);
}

function streamKind({ signal }: StepContext): "stream" | "cancelled" {
  return signal.aborted ? "cancelled" : "stream";
}

/** Nothing of the former content may be recognised while the write is going on, or after it broke. */
async function clear(disk: Disk): Promise<Result<void, "io">> {
  for (const { offset, length } of signaturePlaces(disk.sizeBytes)) {
    const zeroed = await disk.zero(offset, length);
    if (!zeroed.ok) return err("io", zeroed.error.message);
  }
  const flushed = await disk.flush();
  return flushed.ok ? ok(undefined) : err("io", flushed.error.message);
}

type Received = { readonly writer: DiskWriter; readonly contentDigest: string };

async function receive(work: Work, first: Frames): Promise<Result<Received, Kind>> {
  const { clock, log } = work.context.ports;
  let stream: Result<Frames, Kind> = ok(first);
  for (let tries = 1; ; tries += 1) {
    const received: Result<Received, Kind | "broken"> = stream.ok
      ? await receiveOnce(work, stream.value)
      : err("broken", stream.error.message);
    if (received.ok) return received;
    const { kind, message } = received.error;
    if (work.context.signal.aborted) return err("cancelled", message);
    if (kind !== "broken") return err(kind, message);
    if (tries === fetchTries) return err("stream", `${message} (tried ${tries} times)`);
    log.warn("extent stream broke off, fetching it again", { reason: message, tries });
    await clock.sleep(fetchPauseMs * tries, work.context.signal);
    stream = await openStream(work);
  }
}

async function receiveOnce(
  { step, context, disk }: Work,
  frames: Frames,
): Promise<Result<Received, Kind | "broken">> {
  const { virtualBytes, bytesPerSecond } = step;
  const writer = new DiskWriter({ disk, context, virtualBytes, bytesPerSecond });
  const report = makeReporter(context, writer, virtualBytes);
  let contentDigest = "";
  let ended = false;
  for await (const frame of frames) {
    if (!frame.ok) {
      const kind = frame.error.kind === "broken" ? "broken" : "stream";
      return err(kind, frame.error.message);
    }
    const { value } = frame;
    if (value.type === "verified") contentDigest = value.contentDigest;
    if (value.type === "end") ended = true;
    if (value.type !== "data" && value.type !== "zero") continue;
    const put = await writer.put(value);
    if (!put.ok) return put;
    report();
  }
  if (!ended) return err("broken", "The extent stream has no end");
  const finished = await writer.finish();
  report();
  return finished.ok ? ok({ writer, contentDigest }) : finished;
}

function makeReporter(context: StepContext, writer: DiskWriter, totalBytes: number): () => void {
  const { clock } = context.ports;
  const startedAtMs = clock.monotonicMs();
  return () => {
    const doneBytes = writer.writtenBytes + writer.zeroedBytes;
    const seconds = (clock.monotonicMs() - startedAtMs) / 1000;
    const bytesPerSecond = seconds > 0 ? Math.round(doneBytes / seconds) : 0;
    context.onProgress({ step: "WritingImage", doneBytes, totalBytes, bytesPerSecond });
  };
}

async function describeResult(
  { context, chosen, disk, configDrive }: Work,
  { writer, contentDigest, head }: Written,
): Promise<OutcomeOf<"write">> {
  const { ports } = context;
  const { devicePath, storage } = chosen.listed;
  const reread = await ports.disks.rereadPartitions(devicePath);
  // Only for whoever looks at the ramdisk: the machine starts anew.
  if (!reread.ok) ports.log.warn("partition table not read anew", { error: reread.error.message });
  context.onProgress({ step: "AddingBootEntry" });
  const { sectorBytes } = disk;
  return {
    kind: "write",
    disk: diskIdentityOf(storage),
    writtenBytes: writer.writtenBytes,
    zeroedBytes: writer.zeroedBytes,
    contentDigest,
    configDrive: configDrive !== undefined,
    bootEntry: (await addBootEntry(ports, { devicePath, sectorBytes, head })).slice(0, 256),
  };
}
