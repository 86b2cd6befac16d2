// The network between a ramdisk and an agent in one process: what the ramdisk dials and fetches is handed to
// the agent's own server functions.
import { err, ok } from "../../shared/result.ts";
import type {
  HttpError,
  ServerOptions,
  ServerRequest,
  ServerResponse,
} from "../../site-agent/ports.ts";
import type { Result } from "../../shared/result.ts";
import type { Network } from "./fake-machine.ts";
import { makeDuplexPair } from "./memory-duplex.ts";
import type { DuplexPair } from "./memory-duplex.ts";

export interface MemoryAgent extends Network {
  /** Breaks every connection and transfer; new ones work again after `mend`. */
  cut(): void;
  mend(): void;
  /** Nothing passes any more over the connections that are open, and nobody is told. */
  freeze(): void;
  readonly requests: readonly ServerRequest[];
}

export function makeMemoryAgent(
  server: Pick<ServerOptions, "handle"> & Required<Pick<ServerOptions, "upgrade">>,
): MemoryAgent {
  let broken = new AbortController();
  const requests: ServerRequest[] = [];
  const pairs: DuplexPair[] = [];
  const makeRequest = (url: string, headers: Readonly<Record<string, string>> = {}) => {
    const { pathname, search } = new URL(url);
    const request: ServerRequest = {
      method: "GET",
      path: pathname + search,
      headers,
      remote: { address: "192.0.2.10", port: 40_000 },
    };
    requests.push(request);
    return request;
  };
  return {
    requests,
    cut: () => broken.abort(),
    freeze: () => {
      for (const pair of pairs) pair.cut();
    },
    mend: () => {
      broken = new AbortController();
    },
    duplexes: {
      async connect({ url, headers }) {
        if (broken.signal.aborted) return err("unreachable", "No route to the agent");
        const pair = makeDuplexPair();
        pairs.push(pair);
        const { signal } = broken;
        signal.addEventListener("abort", () => {
          pair.client.close(1006, "");
          pair.cut();
        });
        server.upgrade(makeRequest(url, headers), pair.server);
        return ok(pair.client);
      },
    },
    http: {
      async request({ url, headers, signal }) {
        if (broken.signal.aborted) return err("unreachable", "No route to the agent");
        const response = await server.handle(makeRequest(url, headers));
        const stop =
          signal === undefined ? broken.signal : AbortSignal.any([broken.signal, signal]);
        return ok({
          status: response.status,
          headers: response.headers ?? {},
          body: bodyOf(response, stop),
        });
      },
    },
  };
}

async function* bodyOf(
  { body }: ServerResponse,
  stop: AbortSignal,
): AsyncGenerator<Result<Uint8Array, HttpError>, void> {
  if (body instanceof Uint8Array) yield ok(body);
  if (body === undefined || body instanceof Uint8Array) return;
  for await (const chunk of body) {
    if (stop.aborted) {
      yield err("truncated", "The transfer broke off");
      return;
    }
    yield ok(chunk);
  }
}
