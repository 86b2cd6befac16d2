// S38: a host goes from state to state as it may.
import { stateOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";
import { follows } from "./transitions.table.ts";

/** One state between may have been left out: its status was overtaken while it could not be written. */
function mayFollow(from: string, to: string): boolean {
  const next = follows[from] ?? [];
  return next.includes(to) || next.some((between) => follows[between]?.includes(to) === true);
}

export const s38: JudgeKind = {
  id: "S38",
  says: "a host's state is followed only by a state that may follow it",
  make: (report) => ({
    on: {
      object({ before, after, by, verb }, truth) {
        if (after.kind !== "BareMetalHost" || verb === "gone" || by !== "farrier") return;
        const [from, to] = [stateOf(before), stateOf(after)];
        if (from === to || mayFollow(from, to)) return;
        const machine = [...truth.machines.keys()].find((name) =>
          truth.hostsOf(name).some(({ object }) => object.metadata.uid === after.metadata.uid),
        );
        report(`${from || "no state"} → ${to || "no state"}`, machine);
      },
    },
  }),
};
