// The DuplexClient port on `ws`. Connects once; when and how often to try again is the caller's.

import type { IncomingMessage } from "node:http";
import type { Socket } from "node:net";
import { WebSocket } from "ws";
import { err, ok, quote } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { Duplex, DuplexClient, DuplexRequest, HttpError } from "../ports.ts";
import { connect, targetOf } from "./node-connect.ts";
import { defaultDuplexLimits, wsDuplex } from "./ws-duplex.ts";
import type { DuplexLimits } from "./ws-duplex.ts";

type Opened = Result<Duplex, HttpError | "refused">;

export function makeNodeDuplexClient(limits: DuplexLimits = defaultDuplexLimits): DuplexClient {
  return {
    async connect(request) {
      const url = URL.canParse(request.url) ? new URL(request.url) : undefined;
      if (url === undefined || !/^wss?:$/.test(url.protocol)) {
        return err("unreachable", `Address ${quote(request.url)} is not a ws or wss URL`);
      }
      const startedAt = performance.now();
      const secure = url.protocol === "wss:";
      const connected = await connect({
        ...targetOf(url),
        ...(secure ? { tls: { ca: request.ca, fingerprint: request.fingerprint } } : {}),
        timeoutMs: request.timeoutMs,
      });
      if (!connected.ok) return connected;
      const leftMs = Math.max(1, request.timeoutMs - (performance.now() - startedAt));
      return upgrade({ ...request, timeoutMs: leftMs }, url.host, {
        socket: connected.value,
        limits,
      });
    },
  };
}

function upgrade(
  request: DuplexRequest,
  where: string,
  { socket, limits }: { readonly socket: Socket; readonly limits: DuplexLimits },
): Promise<Opened> {
  const client = new WebSocket(request.url, [request.protocol], {
    createConnection: () => socket,
    perMessageDeflate: false,
    maxPayload: limits.maxMessageBytes,
    ...(request.headers === undefined ? {} : { headers: request.headers }),
  });
  return new Promise((resolve) => {
    const settle = (opened: Opened): void => {
      clearTimeout(timer);
      resolve(opened);
      if (!opened.ok) client.terminate();
    };
    // `ws` has a handshakeTimeout, but it does not work on a socket that was opened before.
    const timer = setTimeout(() => {
      settle(err("timeout", `${where} did not answer in ${Math.round(request.timeoutMs)} ms`));
    }, request.timeoutMs);
    client.once("open", () => settle(ok(wsDuplex(client, limits))));
    client.once("unexpected-response", (_sent, response) => settle(refusal(where, response)));
    client.on("error", (cause) => settle(failure(where, cause)));
  });
}

function refusal(where: string, response: IncomingMessage): Opened {
  return err("refused", `${where} answered ${response.statusCode ?? 0} instead of a WebSocket`);
}

function failure(where: string, cause: Error): Opened {
  const wasReset = "code" in cause && cause.code === "ECONNRESET";
  if (wasReset) return err("unreachable", `${where} broke the connection off: ECONNRESET`);
  // A wrong accept key, no subprotocol, no upgrade: something that does not speak our protocol.
  return err("refused", `${where} did not open a WebSocket: ${cause.message}`);
}
