// S10: what is ordered once is done once.
import type { JudgeKind } from "./judge.ts";

export const s10: JudgeKind = {
  id: "S10",
  says: "one operation destroys in one boot of one machine only",
  make(report) {
    const boots = new Map<string, string>();
    const running = new Map<string, string>();
    return {
      on: {
        "ramdisk-message"(event) {
          if (event.type === "go" && event.operationId !== undefined) {
            running.set(event.machine, event.operationId);
          }
        },
        disk(event) {
          const operation = running.get(event.machine);
          if (operation === undefined) {
            report(`${event.change} on ${event.disk} without a word that it may`, event.machine);
            return;
          }
          const boot = `${event.machine} ${event.boot}`;
          const known = boots.get(operation);
          boots.set(operation, boot);
          if (known !== undefined && known !== boot) {
            report(`operation ${operation} destroyed in ${known} and in ${boot}`, event.machine);
          }
        },
        running(event) {
          if (event.running === "firmware" || event.running === "nothing")
            running.delete(event.machine);
        },
      },
    };
  },
};
