// How a disturbed operation must end, by who was killed and by what the agent's journal said at that moment. What
// has passed its point of no return is never resumed; what the control plane or its database suffer costs no operation
// anything. BMC and ramdisk are not listed: their loss may pass unnoticed or end the work.
import type { VictimName } from "./victims.table.ts";

const unharmed = {
  "": "once",
  accepted: "once",
  started: "once",
  destroying: "once",
  finished: "once",
};

export const expected: Readonly<Partial<Record<VictimName, Readonly<Record<string, string>>>>> = {
  "control plane": unharmed,
  database: unharmed,
  agent: {
    ...unharmed,
    accepted: "expired",
    started: "expired",
    destroying: "interrupted",
  },
};
