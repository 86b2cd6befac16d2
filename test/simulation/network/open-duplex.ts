// Opens a WebSocket over a simulated connection: asked for, accepted or refused, or without an answer in time.
import { err, ok } from "../../../shared/result.ts";
import type { Duplex, DuplexClient } from "../../../site-agent/ports.ts";
import type { Kernel } from "../kernel/kernel.ts";
import type { Connection } from "./connection.ts";
import { streamDuplex } from "./stream-duplex.ts";

type Opened = Awaited<ReturnType<DuplexClient["connect"]>>;
type Refused = Extract<Opened, { readonly ok: false }>;

/** What the asking finds where it arrives. */
export type Asked =
  | { readonly kind: "nobody"; readonly error: Refused["error"] }
  /** Whoever accepted the connection is given the server's end. */
  | {
      readonly kind: "server";
      readonly accept: (duplex: Duplex) => Promise<{ readonly ok: true } | Refused>;
    };

export interface Opening {
  readonly kernel: Kernel;
  readonly connection: Connection;
  readonly timeoutMs: number;
  /** Called when it has arrived. */
  arrive(): Asked;
}

export function openDuplex(opening: Opening): Promise<Opened> {
  const { kernel, connection, timeoutMs } = opening;
  return new Promise((resolve) => {
    let isSettled = false;
    const settle = (opened: Opened): boolean => {
      if (isSettled) return false;
      isSettled = true;
      timer.cancel();
      resolve(opened);
      return true;
    };
    const timer = kernel.timer(timeoutMs, () =>
      connection.client.receive(() => {
        if (settle(err("timeout", "no answer"))) connection.abandon();
      }),
    );
    connection.onServerLost = () => void settle(err("unreachable", "the connection broke off"));
    connection.toServer(() => {
      const asked = opening.arrive();
      if (asked.kind === "nobody") refuse(connection, { ok: false, error: asked.error }, settle);
      else void accept(connection, asked.accept, settle);
    });
  });
}

async function accept(
  connection: Connection,
  upgrade: Extract<Asked, { readonly kind: "server" }>["accept"],
  settle: (opened: Opened) => boolean,
): Promise<void> {
  const pair = streamDuplex(connection);
  const { onServerLost } = connection;
  connection.onServerLost = () => {
    settle(err("unreachable", "the connection broke off"));
    onServerLost();
  };
  const accepted = await upgrade(pair.server);
  if (!accepted.ok) return refuse(connection, accepted, settle);
  connection.toClient(() => {
    // Who has given up meanwhile closes what comes too late.
    if (!settle(ok(pair.client))) pair.client.close(1006, "");
  });
}

function refuse(
  connection: Connection,
  refused: Refused,
  settle: (opened: Opened) => boolean,
): void {
  connection.toClient(() => {
    connection.end();
    settle(refused);
  });
}
