// Failed logins of all BMCs of the site, kept in the agent's database: an agent that is restarted must not buy a wrong
// password two more tries.
import { z } from "zod";
import type { LoginMemory } from "../../bmc/login-budget.ts";
import type { AgentDatabase, Log } from "../../ports.ts";
import { readSetting, writeSetting } from "../database.ts";

const settingKey = "failed-logins";
const kept = z.record(z.string(), z.record(z.string(), z.array(z.number())));

/** By BMC, as host:port. */
export function makeLoginMemory(database: AgentDatabase, log: Log): (bmc: string) => LoginMemory {
  const readAll = (): z.infer<typeof kept> => {
    const text = readSetting(database, settingKey);
    if (text === undefined) return {};
    try {
      return kept.parse(JSON.parse(text));
    } catch {
      log.warn("failed logins could not be read", { next: "counts anew" });
      return {};
    }
  };
  return (bmc) => ({
    read: () => readAll()[bmc] ?? {},
    write(failures) {
      const { [bmc]: _before, ...others } = readAll();
      const own = Object.keys(failures).length === 0 ? {} : { [bmc]: failures };
      writeSetting(database, settingKey, JSON.stringify({ ...others, ...own }));
    },
  });
}
