// S29: right before it destroys, a ramdisk asks, and without a yes it destroys nothing.
import type { JudgeKind } from "./judge.ts";

/** From the yes to the first change. */
const freshMs = 60_000;

interface Word {
  readonly operationId: string;
  /** Undefined: asked, and not answered. */
  readonly goMs: number | undefined;
  readonly hasBegun: boolean;
}

export const s29: JudgeKind = {
  id: "S29",
  says: "a disk is changed only after the ramdisk asked for this operation in this boot and was told go just before",
  make(report) {
    const words = new Map<string, Word>();
    return {
      on: {
        "ramdisk-message"({ machine, boot, type, operationId = "", atMs }) {
          const key = `${machine} ${boot}`;
          const word = words.get(key);
          const isOfIt = word?.operationId === operationId;
          if (type === "may-destroy") {
            // Asked again after its connection broke: what was said before counts no more.
            words.set(key, { operationId, goMs: undefined, hasBegun: false });
          } else if (type === "go" && isOfIt && !word.hasBegun) {
            words.set(key, { operationId, goMs: atMs, hasBegun: false });
          } else if ((type === "refuse" || type === "done" || type === "failed") && isOfIt) {
            words.delete(key);
          }
        },
        disk({ machine, boot, disk, change, atMs }) {
          const key = `${machine} ${boot}`;
          const word = words.get(key);
          const what = `${change} on ${disk}`;
          if (word?.goMs === undefined) {
            report(`${what} without an answer to a question`, machine);
          } else if (!word.hasBegun) {
            words.set(key, { ...word, hasBegun: true });
            const ageMs = atMs - word.goMs;
            if (ageMs > freshMs) report(`${what} ${ageMs} ms after it was allowed`, machine);
          }
        },
      },
    };
  },
};
