// The disks that an operation may destroy: those of the pinned inventory. Without a pinned machine nothing can be
// recognised at the point of no return, so that nothing is begun: the machine is left as it is.
import type { DiskIdentity } from "../../../shared/protocol/ramdisk.ts";
import { fail, type Context } from "../operation-context.ts";

export function pinnedDisks({ document }: Context): readonly DiskIdentity[] {
  const { identity, disks } = document.spec;
  if (identity === undefined || disks === undefined) {
    fail("identity", "The host was never inspected, so its machine cannot be recognised.");
  }
  if (disks.length === 0) fail("no-disk", "The inspection found no disk on this machine.");
  return disks;
}
