// S5: nobody uses two hosts.
import { consumerOf } from "./host-of.ts";
import type { JudgeKind } from "./judge.ts";

export const s5: JudgeKind = {
  id: "S5",
  says: "a consumer holds at most one host",
  make(report) {
    /** Path of the host by "cluster consumer". */
    const held = new Map<string, Set<string>>();
    return {
      on: {
        object({ cluster, path, before, after, verb }) {
          if (after.kind !== "BareMetalHost") return;
          const was = consumerOf(before);
          const is = verb === "gone" ? undefined : consumerOf(after);
          if (was !== undefined) held.get(`${cluster} ${was}`)?.delete(path);
          if (is === undefined) return;
          const hosts = held.get(`${cluster} ${is}`) ?? new Set();
          held.set(`${cluster} ${is}`, hosts.add(path));
          if (hosts.size > 1) report(`${is} holds ${[...hosts].join(" and ")}`, path);
        },
      },
    };
  },
};
