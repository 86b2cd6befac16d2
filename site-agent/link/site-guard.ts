// The site guard: a file of the site's operator, who has the last word about what may be destroyed here.
// It is read anew at every question; a file that cannot be read or understood forbids everything.
import { z } from "zod";
import type { MachineIdentity } from "../../shared/protocol/ramdisk.ts";
import { ok, type Result } from "../../shared/result.ts";
import type { Clock, Files } from "../ports.ts";

export const siteGuard = z.strictObject({
  "allow-destructive": z.boolean().default(true),
  "protected-macs": z.array(z.string().toLowerCase()).default([]),
  "protected-uuids": z.array(z.string().toLowerCase()).default([]),
  /** At most this many hosts may be erased or cut off from power in 10 minutes; absent: no limit. */
  "hosts-per-10-minutes": z.number().int().nonnegative().optional(),
});
export type SiteGuardRules = z.infer<typeof siteGuard>;

export interface SiteGuard {
  /** Undefined = allowed; else the sentence that says what forbids it. Counts the host when allowed. */
  problem(hostUid: string, identity: MachineIdentity | undefined): Promise<string | undefined>;
}

const windowMs = 600_000;

export function makeSiteGuard(
  deps: { files: Files; clock: Clock },
  path: string | undefined,
): SiteGuard {
  const recent = new Map<string, number>();
  const overBudget = (limit: number | undefined, hostUid: string): boolean => {
    const now = deps.clock.monotonicMs();
    for (const [uid, at] of recent) if (now - at > windowMs) recent.delete(uid);
    if (limit !== undefined && !recent.has(hostUid) && recent.size >= limit) return true;
    recent.set(hostUid, now);
    return false;
  };
  return {
    async problem(hostUid, identity) {
      const rules = await readRules(deps.files, path);
      if (!rules.ok) return rules.error.message;
      const guard = rules.value;
      if (!guard["allow-destructive"]) return 'the site guard says "allow-destructive": false';
      const mac = identity?.macs.find((each) =>
        guard["protected-macs"].includes(each.toLowerCase()),
      );
      if (mac !== undefined) return `the site guard protects the machine with MAC ${mac}`;
      const uuid = identity?.systemUuid?.toLowerCase();
      if (uuid !== undefined && guard["protected-uuids"].includes(uuid)) {
        return `the site guard protects the machine with UUID ${uuid}`;
      }
      return overBudget(guard["hosts-per-10-minutes"], hostUid)
        ? `the site guard allows ${guard["hosts-per-10-minutes"]} hosts in 10 minutes, and they are used up`
        : undefined;
    },
  };
}

async function readRules(
  files: Files,
  path: string | undefined,
): Promise<Result<SiteGuardRules, "guard">> {
  if (path === undefined) return ok(siteGuard.parse({}));
  const file = await files.readFile(path);
  const broken = (why: string) =>
    ({
      ok: false,
      error: {
        kind: "guard",
        message: `the site guard ${path} ${why}; nothing destructive begins until it is mended`,
      },
    }) as const;
  if (!file.ok) return broken(`cannot be read (${file.error.kind})`);
  try {
    const parsed = siteGuard.safeParse(JSON.parse(new TextDecoder().decode(file.value)));
    return parsed.success
      ? ok(parsed.data)
      : broken(`is not valid: ${z.prettifyError(parsed.error)}`);
  } catch {
    return broken("is not JSON");
  }
}
