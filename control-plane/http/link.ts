// GET /link/v1: the WebSocket of an agent. Everything is read from the request before the upgrade: afterwards
// Deno ends the process for it.
import type { Context, MiddlewareHandler } from "hono";
import type { UpgradeWebSocket as HonoUpgradeWebSocket, WSEvents } from "hono/ws";
import { linkSubprotocol } from "../../shared/protocol/frames.ts";
import type { OpenSessions } from "../links/open-sessions.ts";
import type { LinkSession } from "../links/link-session.ts";
import { AgentSession, type SessionDeps } from "../links/session.ts";

export type UpgradeWebSocket = HonoUpgradeWebSocket;

export interface LinkDeps extends SessionDeps {
  readonly sessions: OpenSessions;
}

/** A browser sends Origin, an agent does not; tokens in a query string would end up in logs. */
export const checkLinkRequest: MiddlewareHandler = async (c, next) => {
  const protocols = (c.req.header("sec-websocket-protocol") ?? "").split(",");
  if (c.req.header("upgrade")?.toLowerCase() !== "websocket") {
    return c.json({ error: "this path is a WebSocket" }, 426, { upgrade: "websocket" });
  }
  if (c.req.header("origin") !== undefined) return c.json({ error: "agents only" }, 403);
  if (new URL(c.req.url).search !== "") {
    return c.json({ error: "no query; the first frame says who you are" }, 400);
  }
  if (!protocols.some((protocol) => protocol.trim() === linkSubprotocol)) {
    return c.json({ error: `subprotocol ${linkSubprotocol} is required` }, 426);
  }
  return await next();
};

export function linkEvents(deps: LinkDeps) {
  return (_c: Context): WSEvents => {
    let session: LinkSession | undefined;
    const close = () => {
      if (session === undefined) return;
      session.closed();
      deps.sessions.remove(session);
    };
    return {
      onOpen(_event, ws) {
        session = new AgentSession(deps, {
          send: (text) => ws.send(text),
          close: (code, reason) => ws.close(code, reason),
        });
        deps.sessions.add(session);
      },
      onMessage: (event) => session?.receive(event.data),
      onClose: close,
      onError: close,
    };
  };
}
