// S15: a wrong password locks no BMC.
import type { JudgeKind } from "./judge.ts";

export const s15: JudgeKind = {
  id: "S15",
  says: "a BMC sees at most 2 failed logins with one password in 30 minutes",
  make(report) {
    const failures = new Map<string, number[]>();
    return {
      on: {
        login({ machine, ok, agent, passwordNumber, atMs }) {
          if (agent === undefined || ok) return;
          const key = `${machine} ${passwordNumber ?? "other"}`;
          const recent = (failures.get(key) ?? []).filter((at) => atMs - at < 30 * 60_000);
          recent.push(atMs);
          failures.set(key, recent);
          // Several wrong passwords cannot be told apart from outside: two of the workload's at most.
          const limit = passwordNumber === undefined ? 4 : 2;
          if (recent.length > limit)
            report(`${recent.length} failed logins in half an hour`, machine);
        },
      },
      atEnd(truth) {
        for (const machine of truth.machines.values()) {
          if (machine.lockedOut) report("our logins locked the BMC", machine.name);
        }
      },
    };
  },
};
