// All judges. What none of them can judge yet is not-reachable.table.ts.
import type { JudgeKind } from "./judge.ts";
import { s1 } from "./s1-external-untouched.ts";
import { s2 } from "./s2-held-power.ts";
import { s3 } from "./s3-held-disks.ts";
import { s4 } from "./s4-one-consumer.ts";
import { s5 } from "./s5-one-host.ts";
import { s6 } from "./s6-known-machine.ts";
import { s7 } from "./s7-hinted-disk.ts";
import { s8 } from "./s8-one-host-per-machine.ts";
import { s9 } from "./s9-newest-first.ts";
import { s10 } from "./s10-one-boot-per-operation.ts";
import { s11 } from "./s11-image-on-disk.ts";
import { s12 } from "./s12-no-lost-update.ts";
import { s13 } from "./s13-no-old-password.ts";
import { s14 } from "./s14-no-leak.ts";
import { s15 } from "./s15-login-budget.ts";
import { s16 } from "./s16-own-namespace.ts";
import { s17 } from "./s17-meant-machine.ts";
import { s18 } from "./s18-clean-before-use.ts";
import { s19 } from "./s19-no-former-tenant.ts";
import { s20 } from "./s20-one-hand-on-the-switch.ts";
import { s21 } from "./s21-never-off.ts";
import { s22 } from "./s22-orderly-deletion.ts";
import { s24 } from "./s24-one-content.ts";
import { s25 } from "./s25-no-way-back.ts";
import { s26 } from "./s26-one-agent.ts";
import { s27 } from "./s27-own-site.ts";
import { s28 } from "./s28-ramdisk-for-work.ts";
import { s29 } from "./s29-asks-first.ts";
import { s30 } from "./s30-lease.ts";
import { s31 } from "./s31-true-time.ts";
import { s32 } from "./s32-once.ts";
import { s33 } from "./s33-stored-only.ts";
import { s34 } from "./s34-journal-first.ts";
import { s35 } from "./s35-site-guard.ts";
import { s37 } from "./s37-boot-once.ts";
import { s38 } from "./s38-transitions.ts";
import { s39 } from "./s39-rows.ts";
import { s41 } from "./s41-known-work.ts";
import { s42 } from "./s42-caps.ts";
import { s43 } from "./s43-no-neighbours.ts";
import { s44 } from "./s44-no-commands.ts";
import { s45 } from "./s45-all-disks.ts";
import { l1 } from "./l1-spec-reaches.ts";
import { l2 } from "./l2-reconnects.ts";
import { l3 } from "./l3-half-open.ts";
import { l4 } from "./l4-drain.ts";
import { l5 } from "./l5-restart.ts";
import { l6 } from "./l6-not-silent.ts";
import { l7 } from "./l7-tries-again.ts";
import { l8 } from "./l8-delete-completes.ts";
import { l9 } from "./l9-database-outage.ts";
import { l10 } from "./l10-follows-again.ts";
import { l11 } from "./l11-power-seen.ts";
import { l13 } from "./l13-credentials.ts";
import { l14 } from "./l14-detach.ts";
import { l15 } from "./l15-no-ramdisk.ts";
import { l17 } from "./l17-rotation.ts";
import { l20 } from "./l-converge.ts";

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
  s32,
  s33,
  s34,
  s35,
  s37,
  s38,
  s39,
  s41,
  s42,
  s43,
  s44,
  s45,
  l1,
  l2,
  l3,
  l4,
  l5,
  l6,
  l7,
  l8,
  l9,
  l10,
  l11,
  l13,
  l14,
  l15,
  l17,
  l20,
];
