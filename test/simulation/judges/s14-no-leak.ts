// S14: secrets stay secret.
import type { JudgeKind } from "./judge.ts";

export const s14: JudgeKind = {
  id: "S14",
  says: "no secret is in a log, status, URL or frame in the clear",
  make: (report) => ({
    on: { leak: ({ sink, text }) => report(`in a ${sink}: ${text.slice(0, 80)}`) },
  }),
};
