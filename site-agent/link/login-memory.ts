// Failed logins of all BMCs of the site, kept in the agent's database: an agent that is restarted must not buy a wrong
// password two more tries.
import { z } from "zod";
import type { LoginMemory } from "../bmc/login-budget.ts";
import type { AgentDatabase } from "../ports.ts";
import { readSetting, writeSetting } from "./database.ts";

const settingKey = "failed-logins";
const kept = z.record(z.string(), z.record(z.string(), z.array(z.number())));

/** By BMC, as host:port. */
export function makeLoginMemory(database: AgentDatabase): (bmc: string) => LoginMemory {
  const readAll = (): z.infer<typeof kept> => {
    const text = readSetting(database, settingKey);
    return text === undefined ? {} : kept.parse(JSON.parse(text));
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
