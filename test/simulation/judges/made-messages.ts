// What passes between control plane, agent and ramdisk, as the tests of judges make it up: of agent "site-1", machine
// "m1" and host "u", unless said otherwise. `at` in seconds.
import type { Happened } from "../world/events.ts";
import type { Made } from "./try-judge.ts";

type Event<K extends Happened["kind"]> = Partial<Extract<Happened, { readonly kind: K }>>;

export function toRamdisk(
  at: number,
  type: string,
  operationId: string,
  more: Event<"ramdisk-message"> = {},
): Made {
  const about = { machine: "m1", boot: 1, direction: "to ramdisk" } as const;
  return { at, kind: "ramdisk-message", ...about, type, operationId, ...more };
}

export function fromRamdisk(
  at: number,
  type: string,
  operationId: string,
  more: Event<"ramdisk-message"> = {},
): Made {
  return toRamdisk(at, type, operationId, { direction: "to agent", ...more });
}

export function changed(at: number, more: Event<"disk"> = {}): Made {
  const about = { machine: "m1", boot: 1, disk: "d1", change: "write" } as const;
  return { at, kind: "disk", ...about, offset: 0, length: 512, ...more };
}

export function delivered(
  at: number,
  what: "document" | "operation",
  revision: number,
  more: Event<"delivered"> = {},
): Made {
  return {
    at,
    kind: "delivered",
    agent: "site-1",
    id: `${at}`,
    what,
    hostUid: "u",
    revision,
    ...more,
  };
}

export function sent(at: number, type: string, more: Event<"sent"> = {}): Made {
  return { at, kind: "sent", agent: "site-1", connection: 1, type, epoch: 1, ...more };
}

export function handed(at: number, type: string, more: Event<"frame"> = {}): Made {
  const about = { agent: "site-1", instance: "control-plane:0", connection: 1 };
  return { at, kind: "frame", ...about, to: "agent", type, ...more };
}
