// The extent stream of the running operation, from the agent's TLS server: one GET, decoded frame by frame.
// Checks all that the decoder can check; whether to fetch again is the caller's.
import { makeExtentStreamDecoder } from "../../../shared/protocol/extent-stream-decoder.ts";
import type { Frame } from "../../../shared/protocol/extent-stream.ts";
import { err, ok, quote } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import type { StepContext } from "../step.ts";

/** For each wait; the agent sends `waiting` frames when it has nothing else. */
const timeoutMs = 60_000;

/**
 * "broken": the transfer failed, and fetching again may help. "refused": the agent says that it cannot give
 * the image, or the stream is damaged.
 */
export type FetchError = "broken" | "refused";

/** Ends with the `end` frame or with an error. */
export async function* fetchFrames(
  context: StepContext,
  path: string,
): AsyncGenerator<Result<Frame, FetchError>, void> {
  const { ports, boot, operationToken, signal } = context;
  const response = await ports.http.request({
    method: "GET",
    url: `${boot.agentUrl}${path}`,
    headers: { authorization: `Bearer ${operationToken}` },
    fingerprint: boot.fingerprint,
    timeoutMs,
    signal,
  });
  if (!response.ok) {
    yield err("broken", response.error.message);
    return;
  }
  if (response.value.status !== 200) {
    yield err("refused", `The agent answered ${response.value.status} to GET ${quote(path)}`);
    return;
  }
  const decoder = makeExtentStreamDecoder();
  for await (const chunk of response.value.body) {
    if (!chunk.ok) {
      yield err("broken", chunk.error.message);
      return;
    }
    const decoded = decoder.push(chunk.value);
    if (!decoded.ok) {
      yield err("refused", decoded.error.message);
      return;
    }
    for (const frame of decoded.value) {
      if (frame.type === "failure") {
        yield err("refused", `The agent cannot give the image: ${frame.kind}: ${frame.message}`);
        return;
      }
      yield ok(frame);
      if (frame.type === "end") return;
    }
  }
  const finished = decoder.finish();
  if (!finished.ok) yield err("broken", finished.error.message);
}
