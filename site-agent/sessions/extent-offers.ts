// Extent streams that ramdisks may fetch: each offered under its operation's token, once per GET, until it is
// withdrawn. Nobody without the token gets a byte.
import type { ServerRequest, ServerResponse } from "../ports.ts";

export interface ExtentOffers {
  offer(token: string, frames: () => AsyncIterable<Uint8Array>): { path: string; withdraw(): void };
  /** Undefined for other paths. */
  handle(request: ServerRequest): ServerResponse | undefined;
}

const extentsPath = "/extents";

export function makeExtentOffers(): ExtentOffers {
  const offers = new Map<string, () => AsyncIterable<Uint8Array>>();
  return {
    offer(token, frames) {
      offers.set(token, frames);
      return { path: extentsPath, withdraw: () => void offers.delete(token) };
    },
    handle(request) {
      if (request.path !== extentsPath) return undefined;
      const token = /^Bearer ([0-9a-f]{64})$/.exec(request.headers["authorization"] ?? "")?.[1];
      const frames = token === undefined ? undefined : offers.get(token);
      if (frames === undefined || request.method !== "GET") return { status: 401 };
      return {
        status: 200,
        headers: { "content-type": "application/octet-stream" },
        body: frames(),
      };
    },
  };
}
