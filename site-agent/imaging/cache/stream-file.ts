// An encoded extent stream on disk while it grows: one writer, any number of readers who each follow at their
// own speed. Nothing of it is kept in memory; a slow reader costs nobody anything.
import { encodeFrame } from "../../../shared/protocol/extent-stream.ts";
import { err, ok } from "../../../shared/result.ts";
import type { Failure, Result } from "../../../shared/result.ts";
import type { Clock, Files, Hash, OpenFile } from "../../ports.ts";
import { makeBell } from "../bell.ts";
import type { ImageErrorKind } from "../port.ts";
import { diskMessage } from "../source/spool.ts";

export interface StreamFile {
  /** Whole frames. */
  append(frame: Uint8Array): Promise<Result<void, ImageErrorKind>>;
  /** After the last frame: everything is on disk when this returns. */
  finish(): Promise<Result<{ fileBytes: number; fileDigest: Uint8Array }, ImageErrorKind>>;
  /** Readers get the frames so far and then this failure. After `finish` it changes nothing. */
  fail(failure: Failure<ImageErrorKind>): void;
  /** From the first frame on; waits for what is to come. */
  follow(): AsyncGenerator<Uint8Array, void>;
  close(): Promise<void>;
}

const readBytes = 1024 * 1024;
/** A reader who hears nothing for longer would think that we are gone. */
const waitingMs = 5_000;

export async function makeStreamFile(
  tools: { readonly files: Files; readonly clock: Clock },
  path: string,
  digest: Hash,
): Promise<Result<StreamFile, ImageErrorKind>> {
  const opened = await tools.files.open(path, "create");
  if (!opened.ok) return err("no-space", diskMessage(opened.error));
  return ok(streamOn(opened.value, tools.clock, digest));
}

function streamOn(file: OpenFile, clock: Clock, digest: Hash): StreamFile {
  const bell = makeBell();
  const state: State = { writtenBytes: 0, end: undefined };
  return {
    async append(frame) {
      const stored = await file.write(state.writtenBytes, frame);
      if (!stored.ok) return err("no-space", diskMessage(stored.error));
      digest.update(frame);
      state.writtenBytes += frame.length;
      bell.ring();
      return ok(undefined);
    },
    async finish() {
      const synced = await file.sync();
      if (!synced.ok) return err("no-space", diskMessage(synced.error));
      state.end ??= "complete";
      bell.ring();
      return ok({ fileBytes: state.writtenBytes, fileDigest: digest.digest() });
    },
    fail(failure) {
      state.end ??= failure;
      bell.ring();
    },
    follow: () => follow(file, state, () => waitForMore(clock, bell.next())),
    close: () => file.close(),
  };
}

interface State {
  writtenBytes: number;
  end: "complete" | Failure<ImageErrorKind> | undefined;
}

async function* follow(
  file: OpenFile,
  state: State,
  wait: () => Promise<"rung" | "late">,
): AsyncGenerator<Uint8Array, void> {
  let at = 0;
  for (;;) {
    if (at < state.writtenBytes) {
      const chunk = await file.read(at, Math.min(readBytes, state.writtenBytes - at));
      // Without an end frame the receiver knows that it has not got everything.
      if (!chunk.ok || chunk.value.length === 0) return;
      at += chunk.value.length;
      yield chunk.value;
      continue;
    }
    // Here the reader has whole frames only, so that one of our own may follow.
    if (state.end === "complete") return;
    if (state.end !== undefined) return yield encodeFrame({ type: "failure", ...state.end });
    const woken = await wait();
    if (woken === "late" && at === state.writtenBytes) yield encodeFrame({ type: "waiting" });
  }
}

async function waitForMore(clock: Clock, rung: Promise<void>): Promise<"rung" | "late"> {
  const { promise: late, resolve } = Promise.withResolvers<"late">();
  const timer = clock.timer(waitingMs, () => resolve("late"));
  const woken = await Promise.race([rung.then(() => "rung" as const), late]);
  timer.cancel();
  return woken;
}
