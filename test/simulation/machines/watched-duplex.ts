// The wire between a ramdisk and its agent, listened to: what passes is told, nothing is changed.
import { ok } from "../../../shared/result.ts";
import type { Duplex, DuplexClient } from "../../../site-agent/ports.ts";
import type { Happened } from "../world/events.ts";

type Message = Extract<Happened, { readonly kind: "ramdisk-message" }>;
export type Overheard = Pick<Message, "direction" | "type" | "operationId" | "step">;

/** Messages that say nothing about work. */
const quiet = new Set(["ping", "pong", "log"]);

export function watchDuplexes(
  client: DuplexClient,
  tell: (message: Overheard) => void,
): DuplexClient {
  return {
    async connect(request) {
      const connected = await client.connect(request);
      return connected.ok ? ok(watch(connected.value, tell)) : connected;
    },
  };
}

function watch(duplex: Duplex, tell: (message: Overheard) => void): Duplex {
  const hear = (direction: Message["direction"], text: string): void => {
    const message = overhear(direction, text);
    if (message !== undefined) tell(message);
  };
  return {
    send(text) {
      const sent = duplex.send(text);
      if (sent) hear("to agent", text);
      return sent;
    },
    close: (code, reason) => duplex.close(code, reason),
    onMessage(handle) {
      duplex.onMessage((text) => {
        hear("to ramdisk", text);
        handle(text);
      });
    },
    onClose: (handle) => duplex.onClose(handle),
  };
}

interface Wire {
  readonly type?: string;
  readonly operationId?: string;
  readonly step?: { readonly kind?: string };
}

function overhear(direction: Message["direction"], text: string): Overheard | undefined {
  const head = /^\{"type":"(\w+)"/.exec(text)?.[1];
  if (head !== undefined && quiet.has(head)) return undefined;
  const { type = "", operationId, step } = parse(text);
  if (quiet.has(type)) return undefined;
  const kind = step?.kind;
  return { direction, type, operationId, ...(kind === undefined ? {} : { step: kind }) };
}

function parse(text: string): Wire {
  try {
    return JSON.parse(text) as Wire;
  } catch {
    return { type: "garbled" };
  }
}
