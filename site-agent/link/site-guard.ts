// The site guard: a file of the site's operator, who has the last word about what may be destroyed here.
// It is read anew at every question; a file that cannot be read or understood forbids everything.
import { z } from "zod";
import { parseMac } from "../../shared/mac.ts";
import type { MachineIdentity } from "../../shared/protocol/ramdisk.ts";
import { err, ok, type Result } from "../../shared/result.ts";
import type { Files } from "../ports.ts";
import { fromWall, toWall, type Clocks } from "../wall-times.ts";

/** In any usual spelling: a MAC that protects nothing because of its spelling would be a trap. */
const mac = z.string().transform((text, context) => {
  const parsed = parseMac(text);
  if (parsed.ok) return parsed.value;
  context.addIssue(parsed.error.message);
  return z.NEVER;
});
const uuid = z.guid({ error: "is not a UUID of 36 characters" }).toLowerCase();

export const siteGuard = z.strictObject({
  "allow-destructive": z.boolean().default(true),
  "protected-macs": z.array(mac).default([]),
  "protected-uuids": z.array(uuid).default([]),
  /** At most this many hosts may be erased or cut off from power in 10 minutes; absent: no limit. */
  "hosts-per-10-minutes": z.number().int().nonnegative().optional(),
});
export type SiteGuardRules = z.infer<typeof siteGuard>;

/** touch: anything that changes the machine's state · destroy: a byte of a disk, or its power. */
export type GuardedAct = "touch" | "destroy";

export interface SiteGuard {
  /**
   * Undefined = allowed; else the sentence that says what forbids it. Counts the host when it may destroy.
   * @param macs all that are known of the machine
   */
  problem(question: {
    readonly act: GuardedAct;
    readonly hostUid: string;
    readonly macs: readonly string[];
    readonly systemUuid: string | undefined;
  }): Promise<string | undefined>;
  /**
   * Somebody else was at work at the site, until so long ago, and nobody knows with what: the budget counts as used up
   * for its time. More than that the control plane cannot say; what was counted here stays counted.
   */
  othersWorked(agoMs: number): void;
}

/** By host, epoch milliseconds. */
export interface GuardMemory {
  read(): Readonly<Record<string, number>>;
  write(times: Readonly<Record<string, number>>): void;
}

const windowMs = 600_000;

export function makeSiteGuard(
  deps: { readonly files: Files; readonly clock: Clocks; readonly memory: GuardMemory },
  path: string | undefined,
): SiteGuard {
  const { clock, memory } = deps;
  const recent = new Map(
    Object.entries(memory.read()).map(([uid, at]) => [uid, fromWall(clock, at, windowMs)]),
  );
  let othersUntilMs = -Infinity;
  const overBudget = (limit: number | undefined, hostUid: string): string | undefined => {
    const now = clock.monotonicMs();
    for (const [uid, at] of recent) if (now - at > windowMs) recent.delete(uid);
    if (limit !== undefined && !recent.has(hostUid)) {
      const allowed = `the site guard allows ${limit} hosts in 10 minutes`;
      if (now < othersUntilMs) return `${allowed}, and ${unknownWork(othersUntilMs - now)}`;
      if (recent.size >= limit) return `${allowed}, and they are used up`;
    }
    recent.set(hostUid, now);
    memory.write(Object.fromEntries([...recent].map(([uid, at]) => [uid, toWall(clock, at)])));
    return undefined;
  };
  return {
    async problem({ act, hostUid, macs, systemUuid }) {
      const rules = await readRules(deps.files, path);
      if (!rules.ok) return rules.error.message;
      const guard = rules.value;
      const found = protectedBy(guard, macs, systemUuid);
      if (found !== undefined || act === "touch") return found;
      if (!guard["allow-destructive"]) return 'the site guard says "allow-destructive": false';
      return overBudget(guard["hosts-per-10-minutes"], hostUid);
    },
    othersWorked(agoMs) {
      othersUntilMs = Math.max(othersUntilMs, clock.monotonicMs() - agoMs + windowMs);
    },
  };
}

function unknownWork(leftMs: number): string {
  const minutes = Math.ceil(leftMs / 60_000);
  return `what another agent, or a copy of this one, did of it is not known; it counts as used up for ${minutes} minutes more`;
}

function protectedBy(
  guard: SiteGuardRules,
  macs: readonly string[],
  systemUuid: MachineIdentity["systemUuid"],
): string | undefined {
  const found = macs.find((each) => guard["protected-macs"].includes(each.toLowerCase()));
  if (found !== undefined) return `the site guard protects the machine with MAC ${found}`;
  const known = systemUuid?.toLowerCase();
  return known !== undefined && guard["protected-uuids"].includes(known)
    ? `the site guard protects the machine with UUID ${known}`
    : undefined;
}

async function readRules(
  files: Files,
  path: string | undefined,
): Promise<Result<SiteGuardRules, "guard">> {
  if (path === undefined) return ok(siteGuard.parse({}));
  const file = await files.readFile(path);
  const broken = (why: string) =>
    err("guard", `the site guard ${path} ${why}; nothing destructive begins until it is mended`);
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
