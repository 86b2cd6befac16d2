// A `ws` socket as the Duplex port. Text only: a binary message closes the socket (RFC 6455, 1003).

import type { RawData, WebSocket } from "ws";
import type { Duplex } from "../ports.ts";

export interface DuplexLimits {
  /** A longer message from the peer closes the socket with 1009. */
  readonly maxMessageBytes: number;
  /** `send` refuses while more than this waits for the peer. */
  readonly maxBufferedBytes: number;
}

export const defaultDuplexLimits: DuplexLimits = {
  maxMessageBytes: 1024 * 1024,
  maxBufferedBytes: 4 * 1024 * 1024,
};

/** Call it when `socket` is open; nothing is read from it before `onMessage` was called. */
export function wsDuplex(socket: WebSocket, limits: DuplexLimits): Duplex {
  let closed: { code: number; reason: string } | undefined;
  let handleClose: ((code: number, reason: string) => void) | undefined;
  socket.pause();
  socket.on("error", () => {}); // "close" follows and says all that a caller can use.
  socket.on("close", (code, reason) => {
    closed = { code, reason: reason.toString("utf8") };
    handleClose?.(closed.code, closed.reason);
  });
  return {
    send(text) {
      if (socket.readyState !== socket.OPEN) return false;
      if (socket.bufferedAmount > limits.maxBufferedBytes) return false;
      socket.send(text);
      return true;
    },
    close(code, reason) {
      socket.resume(); // The peer's close frame has to be read for a clean end.
      socket.close(code, cutReason(reason));
    },
    onMessage(handle) {
      socket.on("message", (data: RawData, isBinary: boolean) => {
        if (isBinary) socket.close(1003, "text messages only");
        else handle(textOf(data));
      });
      socket.resume();
    },
    onClose(handle) {
      handleClose = handle;
      if (closed !== undefined) handle(closed.code, closed.reason);
    },
  };
}

function textOf(data: RawData): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString("utf8");
  return (Buffer.isBuffer(data) ? data : Buffer.from(data)).toString("utf8");
}

// RFC 6455 section 5.5: a control frame holds 125 bytes, two of them the code.
function cutReason(reason: string): string {
  let cut = reason;
  while (Buffer.byteLength(cut) > 123) cut = cut.slice(0, -1);
  return cut;
}
