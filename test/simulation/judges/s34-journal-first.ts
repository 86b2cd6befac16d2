// S34: what destroys is written down before, and told afterwards; and how work ended, once it is written down, is heard.
import { firstOfBoot } from "./first-of-boot.ts";
import type { JudgeKind } from "./judge.ts";

function isInterrupted(operation: Readonly<Record<string, unknown>> | undefined): boolean {
  const failure = operation?.["failure"] as { readonly kind?: string } | null | undefined;
  return failure?.kind === "interrupted";
}

export const s34: JudgeKind = {
  id: "S34",
  says: "before the first destroyed byte the journal says durably that the operation destroys, and its failure tells it; work whose end is in the journal does not count as interrupted",
  make(report) {
    const isFirst = firstOfBoot();
    /** What each machine's ramdisk was allowed last, and what of that has begun. */
    const allowed = new Map<string, string>();
    /** "agent operation": a copy from before it had begun knows nothing of it. */
    const begun = new Set<string>();
    /** A database, or an agent, is not the one that heard of the end. */
    let isDoubled = false;
    return {
      on: {
        fault({ fault }) {
          isDoubled ||= fault === "database-restored" || fault === "agent-cloned";
        },
        // What the agent itself calls interrupted comes as an observation.
        commit({ statement, table, key, before, after }, truth) {
          const isEnd = table === "operations" && before?.["state"] !== after?.["state"];
          if (!isEnd || isDoubled || statement !== "openSession" || !isInterrupted(after)) return;
          const isKnown = truth.sites
            .flatMap((site) => truth.journal(site))
            .some(({ rows }) =>
              rows.some(({ operationId, state }) => operationId === key && state === "finished"),
            );
          if (isKnown) report(`${key} had ended, and counts as interrupted`, key);
        },
        "ramdisk-message"({ machine, type, operationId }) {
          if (type === "go" && operationId !== undefined) allowed.set(machine, operationId);
        },
        running({ machine, running }) {
          if (running === "firmware" || running === "nothing") allowed.delete(machine);
        },
        reported({ agent, operationId = "", failure, destroyed }) {
          if (destroyed !== false || !begun.has(`${agent} ${operationId}`)) return;
          report(`${operationId} has destroyed, and its failure (${failure}) denies it`, agent);
        },
        disk(event, truth) {
          const machine = truth.machines.get(event.machine);
          if (machine === undefined) return;
          const destroying = truth
            .journal(machine.site)
            .flatMap(({ agent, rows }) => rows.map((row) => ({ agent, ...row })))
            .filter(({ state }) => state === "destroying");
          for (const { agent, operationId } of destroying)
            if (operationId === allowed.get(event.machine)) begun.add(`${agent} ${operationId}`);
          if (isFirst(event) && destroying.length === 0) {
            report(`${event.change} on ${event.disk}, and no journal says so`, event.machine);
          }
        },
      },
    };
  },
};
