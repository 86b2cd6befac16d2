// All judges.
import type { JudgeKind } from "./judge.ts";
import { l20 } from "./l-converge.ts";
import { s1, s3, s6, s7, s10, s11, s19, s34 } from "./s-disks.ts";
import { s8 } from "./s-owners.ts";
import { s14, s15, s2, s21, s26, s28, s38 } from "./s-power.ts";

export const judgeKinds: readonly JudgeKind[] = [
  s1,
  s2,
  s3,
  s6,
  s7,
  s8,
  s10,
  s11,
  s14,
  s15,
  s19,
  s21,
  s26,
  s28,
  s34,
  s38,
  l20,
];
