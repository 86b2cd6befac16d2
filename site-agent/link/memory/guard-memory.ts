// Which hosts the budget of the site guard has counted, kept in the agent's database: an agent that is restarted must
// not begin to count anew.
import { z } from "zod";
import type { AgentDatabase, Log } from "../../ports.ts";
import { readSetting, writeSetting } from "../database.ts";
import type { GuardMemory } from "../site-guard.ts";

const settingKey = "guard-budget";
const kept = z.record(z.string(), z.number());

export function makeGuardMemory(database: AgentDatabase, log: Log): GuardMemory {
  return {
    read() {
      const text = readSetting(database, settingKey);
      if (text === undefined) return {};
      try {
        return kept.parse(JSON.parse(text));
      } catch {
        log.warn("the site guard's count could not be read", { next: "counts anew" });
        return {};
      }
    },
    write: (times) => writeSetting(database, settingKey, JSON.stringify(times)),
  };
}
