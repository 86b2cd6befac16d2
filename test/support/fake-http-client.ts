// The HttpClient port over a function: each test says what its server answers.
import { err, ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { HttpClient, HttpError, HttpRequest } from "../../site-agent/ports.ts";

export interface FakeAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | AsyncIterable<Result<Uint8Array, HttpError>>;
}

export interface FakeHttpClient extends HttpClient {
  readonly requests: readonly HttpRequest[];
}

/** An answer that is a word is the request's failure. */
export function makeFakeHttpClient(
  answer: (request: HttpRequest) => FakeAnswer | HttpError,
): FakeHttpClient {
  const requests: HttpRequest[] = [];
  return {
    requests,
    async request(request) {
      requests.push(request);
      if (request.signal?.aborted === true) return err("aborted", "given up");
      const said = answer(request);
      if (typeof said === "string") return err(said, `the server is ${said}`);
      return ok({
        status: said.status,
        headers: said.headers ?? {},
        body: untilAborted(bodyOf(said.body), request.signal),
      });
    },
  };
}

async function* bodyOf(
  body: FakeAnswer["body"],
): AsyncGenerator<Result<Uint8Array, HttpError>, void> {
  if (body === undefined) return;
  if (!(body instanceof Uint8Array)) return yield* body;
  for (let at = 0; at < body.length; at += 65_536) yield ok(body.subarray(at, at + 65_536));
}

async function* untilAborted(
  body: AsyncIterable<Result<Uint8Array, HttpError>>,
  signal: AbortSignal | undefined,
): AsyncGenerator<Result<Uint8Array, HttpError>, void> {
  const aborted = Promise.withResolvers<"aborted">();
  signal?.addEventListener("abort", () => aborted.resolve("aborted"));
  const items = body[Symbol.asyncIterator]();
  for (;;) {
    const next = await Promise.race([items.next(), aborted.promise]);
    if (next === "aborted") return yield err("aborted", "given up");
    if (next.done === true) return;
    yield next.value;
  }
}
