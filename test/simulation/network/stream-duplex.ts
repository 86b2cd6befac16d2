// A WebSocket over a simulated connection: messages in order, a full buffer when the other end is slow, 1006 when it
// is gone.
import type { Duplex } from "../../../site-agent/ports.ts";
import { makeDuplexPair } from "../../support/memory-duplex.ts";
import type { Connection } from "./connection.ts";

/** As the real one has it (site-agent/adapters/ws-duplex.ts), in characters. */
const maxBuffered = 4 * 1024 * 1024;

export interface StreamDuplex {
  readonly client: Duplex;
  readonly server: Duplex;
}

export function streamDuplex(connection: Connection): StreamDuplex {
  const up = new SendBuffer((run) => connection.toServer(run));
  const down = new SendBuffer((run) => connection.toClient(run));
  const pair = makeDuplexPair(
    (run) => up.carry(run),
    (run) => down.carry(run),
  );
  connection.onServerLost = () => pair.lose("client");
  connection.onClientLost = () => pair.lose("server");
  return {
    client: bounded(pair.client, up, connection),
    server: bounded(pair.server, down, connection),
  };
}

class SendBuffer {
  /** Characters that have not arrived. */
  held = 0;
  /** What the next to be carried weighs, and what is done after it. */
  weight = 0;
  afterwards: (() => void) | undefined;
  readonly #carry: (run: () => void) => void;

  constructor(carry: (run: () => void) => void) {
    this.#carry = carry;
  }

  carry(run: () => void): void {
    const { weight, afterwards } = this;
    this.weight = 0;
    this.held += weight;
    this.#carry(() => {
      this.held -= weight;
      run();
      afterwards?.();
    });
  }
}

function bounded(end: Duplex, buffer: SendBuffer, connection: Connection): Duplex {
  return {
    send(text) {
      if (buffer.held > maxBuffered) return false;
      buffer.weight = text.length;
      const isSent = end.send(text);
      buffer.weight = 0;
      return isSent;
    },
    close(code, reason) {
      buffer.afterwards = () => connection.end();
      end.close(code, reason);
    },
    onMessage: (handle) => end.onMessage(handle),
    onClose: (handle) => end.onClose(handle),
  };
}
