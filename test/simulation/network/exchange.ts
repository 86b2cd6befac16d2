// One HTTP request over a simulated connection: the request arrives, the answer's head comes back, the body is pulled
// chunk by chunk as the client reads it. Times out as the real client does: for the head, and for each wait.
import { err, ok } from "../../../shared/result.ts";
import type { Failure, Result } from "../../../shared/result.ts";
import type {
  HttpError,
  HttpRequest,
  HttpResponse,
  ServerResponse,
} from "../../../site-agent/ports.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Connection } from "./connection.ts";

/** What a request finds where it arrives. */
export type Arrival =
  /** Nobody takes it. */
  | { readonly kind: "nobody"; readonly error: Failure<HttpError> }
  /** Whoever answers has accepted the connection. A rejection is answered with status 500. */
  | { readonly kind: "answer"; readonly response: Promise<ServerResponse> };

export interface Exchange {
  readonly kernel: Kernel;
  readonly connection: Connection;
  readonly request: HttpRequest;
  /** Called when the request has arrived. */
  arrive(): Arrival;
  /** Called when the answer leaves the server. */
  readonly onAnswer: (response: ServerResponse) => void;
}

type Outcome = Result<HttpResponse, HttpError>;

export function exchange(options: Exchange): Promise<Outcome> {
  const { kernel, connection, request } = options;
  const { signal } = request;
  return new Promise((resolve) => {
    let isSettled = false;
    const settle = (outcome: Outcome): void => {
      if (isSettled) return;
      isSettled = true;
      timer.cancel();
      signal?.removeEventListener("abort", abort);
      if (!outcome.ok) connection.abandon();
      resolve(outcome);
    };
    const abort = (): void => settle(err("aborted", "The request was given up"));
    const timer = kernel.timer(request.timeoutMs, () =>
      connection.client.receive(() =>
        settle(err("timeout", `No answer for ${request.timeoutMs} ms`)),
      ),
    );
    connection.onServerLost = () => settle(err("unreachable", "The connection broke off"));
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) return abort();
    connection.toServer(() => {
      const arrival = options.arrive();
      if (arrival.kind === "nobody") {
        const { error } = arrival;
        connection.toClient(() => settle({ ok: false, error }));
        return;
      }
      arrival.response.then(
        (response) => sendHead(options, response, settle),
        () => sendHead(options, { status: 500 }, settle),
      );
    });
  });
}

function sendHead(
  { kernel, connection, request, onAnswer }: Exchange,
  response: ServerResponse,
  settle: (outcome: Outcome) => void,
): void {
  if (connection.server?.alive === false) return;
  onAnswer(response);
  const { status, headers = {} } = response;
  const body = request.method === "HEAD" ? undefined : response.body;
  const length: Record<string, string> =
    body instanceof Uint8Array ? { "content-length": String(body.length) } : {};
  const reader =
    body === undefined || body instanceof Uint8Array
      ? undefined
      : new BodyReader(kernel, connection, body);
  connection.toClient(() => {
    if (reader === undefined) connection.end();
    const items = reader?.items(request) ?? whole(body as Uint8Array | undefined);
    settle(ok({ status, headers: { ...length, ...headers }, body: items }));
  });
}

type Item = Result<Uint8Array, HttpError>;

async function* whole(body: Uint8Array | undefined): AsyncGenerator<Item, void> {
  if (body !== undefined && body.length > 0) yield ok(body);
}

type Pulled = Item | undefined;

/** A body that the server makes as it is read. */
class BodyReader {
  readonly #kernel: Kernel;
  readonly #connection: Connection;
  readonly #chunks: AsyncIterator<Uint8Array>;
  #take: ((item: Pulled) => void) | undefined;
  #ended: Item | undefined;

  constructor(kernel: Kernel, connection: Connection, body: AsyncIterable<Uint8Array>) {
    this.#kernel = kernel;
    this.#connection = connection;
    this.#chunks = body[Symbol.asyncIterator]();
    connection.onClientLost = () => this.#stopServer();
    connection.onServerLost = () =>
      this.#fail(err("truncated", "The transfer ended before its end"));
  }

  async *items({ signal, timeoutMs }: HttpRequest): AsyncGenerator<Item, void> {
    const abort = (): void => this.#fail(err("aborted", "The transfer was given up"));
    signal?.addEventListener("abort", abort, { once: true });
    if (signal?.aborted === true) abort();
    try {
      for (;;) {
        const item = await this.#pull(timeoutMs);
        if (item === undefined) return;
        yield item;
        if (!item.ok) return;
      }
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#connection.toServer(() => this.#stopServer());
    }
  }

  #pull(timeoutMs: number): Promise<Pulled> {
    if (this.#ended !== undefined) return Promise.resolve(this.#ended);
    return new Promise((resolve) => {
      const timer = this.#kernel.timer(timeoutMs, () =>
        this.#connection.client.receive(() =>
          this.#fail(err("timeout", `Nothing came for ${timeoutMs} ms`)),
        ),
      );
      this.#take = (item) => {
        timer.cancel();
        this.#take = undefined;
        resolve(item);
      };
      void this.#next();
    });
  }

  async #next(): Promise<void> {
    if (!this.#isServed()) return;
    let item: Pulled;
    try {
      const next = await this.#chunks.next();
      item = next.done === true ? undefined : ok(next.value);
    } catch {
      item = err("truncated", "The transfer broke off");
    }
    if (!this.#isServed()) return;
    this.#connection.toClient(() => {
      this.#take?.(item);
      if (item?.ok !== true) this.#connection.end();
    });
  }

  #isServed(): boolean {
    return this.#connection.server?.alive !== false;
  }

  #fail(item: Item): void {
    this.#ended ??= item;
    this.#take?.(this.#ended);
  }

  #stopServer(): void {
    this.#connection.end();
    void this.#chunks.return?.();
  }
}
