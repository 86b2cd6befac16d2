// S4: who uses a host is changed by its users, one after the other.
import { consumerOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";

export const s4: JudgeKind = {
  id: "S4",
  says: "a host's consumer goes before another comes, and Farrier changes neither",
  make: (report) => ({
    on: {
      object({ before, after, by, verb, path }) {
        if (after.kind !== "BareMetalHost" || verb === "gone") return;
        const [was, is] = [consumerOf(before), consumerOf(after)];
        if (was === is) return;
        const change = `${was ?? "nobody"} → ${is ?? "nobody"}`;
        if (by === "farrier") report(`Farrier changed the consumer: ${change}`, path);
        else if (was !== undefined && is !== undefined)
          report(`the host was taken: ${change}`, path);
      },
    },
  }),
};
