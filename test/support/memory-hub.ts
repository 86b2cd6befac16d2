// A control plane without sockets: its app as a web server of the network in memory, WebSockets included.
import type { Hono } from "hono";
import { defineWebSocketHelper, WSContext } from "hono/ws";
import type { UpgradeWebSocket } from "hono/ws";
import { err, ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { Duplex, HttpError, HttpRequest, HttpResponse } from "../../site-agent/ports.ts";
import { makeDuplexPair } from "./memory-duplex.ts";
import type { WebServer } from "./memory-network.ts";

/** What a request that may become a WebSocket brings along, as the runtimes do. */
interface Socket {
  readonly duplex: Duplex;
  isOpen: boolean;
}

/** For createApp. Works on requests that `webServerOf` makes. */
export const upgradeInMemory: UpgradeWebSocket = defineWebSocketHelper((c, events) => {
  const { socket } = c.env as { socket?: Socket };
  if (socket === undefined) return;
  const { duplex } = socket;
  const ws = new WSContext({
    send(data) {
      if (typeof data !== "string") throw new Error("text messages only");
      duplex.send(data);
    },
    close: (code, reason) => duplex.close(code ?? 1000, reason ?? ""),
    readyState: 1,
  });
  socket.isOpen = true;
  events.onOpen?.(new Event("open"), ws);
  duplex.onMessage((data) => events.onMessage?.(new MessageEvent("message", { data }), ws));
  duplex.onClose((code, reason) =>
    events.onClose?.(new CloseEvent("close", { code, reason, wasClean: code !== 1006 }), ws),
  );
  // Nobody sees it: the socket has begun.
  return new Response();
});

/** `deliver` calls what it is given later, in the order of the calls; a turn later when absent. */
export function webServerOf(
  app: Pick<Hono, "request">,
  deliver: (run: () => void) => void = queueMicrotask,
): WebServer {
  return {
    http: { request: (request) => ask(app, request) },
    duplexes: {
      async connect({ url, protocol, headers }) {
        const pair = makeDuplexPair(deliver);
        const socket: Socket = { duplex: pair.server, isOpen: false };
        const asked = { upgrade: "websocket", "sec-websocket-protocol": protocol, ...headers };
        const response = await app.request(
          url.replace(/^ws/, "http"),
          { headers: asked },
          { socket },
        );
        return socket.isOpen ? ok(pair.client) : err("refused", `status ${response.status}`);
      },
    },
  };
}

async function ask(
  app: Pick<Hono, "request">,
  { method, url, headers = {}, body }: HttpRequest,
): Promise<Result<HttpResponse, HttpError>> {
  const response = await app.request(url, {
    method,
    headers: { ...headers },
    ...(body === undefined ? {} : { body: new Uint8Array(body) }),
  });
  const bytes = new Uint8Array(await response.arrayBuffer());
  return ok({
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: (async function* () {
      yield ok(bytes);
    })(),
  });
}
