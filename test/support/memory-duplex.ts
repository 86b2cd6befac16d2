// Two ends of a message duplex in one process: what one sends arrives at the other later, in order.
import type { Duplex } from "../../site-agent/ports.ts";

export interface DuplexPair {
  readonly client: Duplex;
  readonly server: Duplex;
  /** From now on nothing arrives on either side, and nobody is told: a pulled cable. */
  cut(): void;
  /** This end learns now that the other is gone without a word. */
  lose(end: "client" | "server"): void;
}

interface End extends Duplex {
  peer: End | undefined;
  receive(text: string): void;
  ended(code: number, reason: string): void;
}

/**
 * `deliver` calls what it is given later, in the order of the calls; a turn later when absent. `toClient` does it for
 * the way back when that is another one.
 */
export function makeDuplexPair(
  deliver: (run: () => void) => void = queueMicrotask,
  toClient: (run: () => void) => void = deliver,
): DuplexPair {
  let isCut = false;
  const makeEnd = (way: (run: () => void) => void): End => {
    const later = (run: () => void): void => {
      way(() => {
        if (!isCut) run();
      });
    };
    const held: string[] = [];
    let open = true;
    let closed: { code: number; reason: string } | undefined;
    let handleMessage: ((text: string) => void) | undefined;
    let handleClose: ((code: number, reason: string) => void) | undefined;
    const end: End = {
      peer: undefined,
      send(text) {
        if (!open) return false;
        later(() => end.peer?.receive(text));
        return true;
      },
      close(code, reason) {
        if (!open) return;
        end.ended(code, reason);
        later(() => end.peer?.ended(code, reason));
      },
      onMessage(handle) {
        handleMessage = handle;
        for (const text of held.splice(0)) handle(text);
      },
      onClose(handle) {
        handleClose = handle;
        if (closed !== undefined) handle(closed.code, closed.reason);
      },
      receive(text) {
        if (!open) return;
        if (handleMessage === undefined) held.push(text);
        else handleMessage(text);
      },
      ended(code, reason) {
        if (!open) return;
        open = false;
        closed = { code, reason };
        handleClose?.(code, reason);
      },
    };
    return end;
  };
  const [client, server] = [makeEnd(deliver), makeEnd(toClient)];
  client.peer = server;
  server.peer = client;
  return {
    client,
    server,
    cut() {
      isCut = true;
    },
    lose: (end) => (end === "client" ? client : server).ended(1006, ""),
  };
}
