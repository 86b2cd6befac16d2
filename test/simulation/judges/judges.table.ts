// All judges.
import type { JudgeKind } from "./judge.ts";
import { l20 } from "./l-converge.ts";
import { s4 } from "./s4-one-consumer.ts";
import { s5 } from "./s5-one-host.ts";
import { s9 } from "./s9-newest-first.ts";
import { s12 } from "./s12-no-lost-update.ts";
import { s13 } from "./s13-no-old-password.ts";
import { s16 } from "./s16-own-namespace.ts";
import { s17 } from "./s17-meant-machine.ts";
import { s18 } from "./s18-clean-before-use.ts";
import { s20 } from "./s20-one-hand-on-the-switch.ts";
import { s22 } from "./s22-orderly-deletion.ts";
import { s24 } from "./s24-one-content.ts";
import { s25 } from "./s25-no-way-back.ts";
import { s27 } from "./s27-own-site.ts";
import { s29 } from "./s29-asks-first.ts";
import { s30 } from "./s30-lease.ts";
import { s31 } from "./s31-true-time.ts";
import { s1, s3, s6, s7, s10, s11, s19, s34 } from "./s-disks.ts";
import { s8 } from "./s-owners.ts";
import { s14, s15, s2, s21, s26, s28, s38 } from "./s-power.ts";

export const judgeKinds: readonly JudgeKind[] = [
  s1,
  s2,
  s3,
  s4,
  s5,
  s6,
  s7,
  s8,
  s9,
  s10,
  s11,
  s12,
  s13,
  s14,
  s15,
  s16,
  s17,
  s18,
  s19,
  s20,
  s21,
  s22,
  s24,
  s25,
  s26,
  s27,
  s28,
  s29,
  s30,
  s31,
  s34,
  s38,
  l20,
];
