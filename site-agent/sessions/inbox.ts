// A duplex whose messages wait until somebody wants them: who greets a ramdisk and who serves it later are not
// the same, and a duplex takes one handler only.
import type { Duplex } from "../ports.ts";

/** More than a ramdisk can have to say before it is admitted. */
const maxHeld = 100;

export interface Inbox {
  readonly duplex: Duplex;
  /** From now on messages go to `handle`, first those that waited. `closed` is called once, also afterwards. */
  read(handle: (text: string) => void, closed: (code: number, reason: string) => void): void;
  /** From now on messages wait again. */
  hold(): void;
}

/** Call it in the turn in which the duplex arrived. */
export function makeInbox(duplex: Duplex): Inbox {
  const held: string[] = [];
  let handle: ((text: string) => void) | undefined;
  let onClosed: ((code: number, reason: string) => void) | undefined;
  let ended: { readonly code: number; readonly reason: string } | undefined;
  duplex.onMessage((text) => {
    if (handle !== undefined) handle(text);
    else if (held.push(text) > maxHeld) duplex.close(1008, "too many messages before admission");
  });
  duplex.onClose((code, reason) => {
    ended = { code, reason };
    onClosed?.(code, reason);
  });
  return {
    duplex,
    read(next, closed) {
      onClosed = closed;
      if (ended !== undefined) {
        closed(ended.code, ended.reason);
        return;
      }
      handle = next;
      // The handler itself may hold again.
      while (held.length > 0 && handle === next) next(held.shift() ?? "");
    },
    hold() {
      handle = undefined;
    },
  };
}
