// Which agents have a session with an instance of the control plane, as the wire shows it: welcomed, and both ends open.
import type { WorldEvent } from "../world/events.ts";

type LinkEvent = Extract<WorldEvent, { readonly kind: "link" }>;
type FrameEvent = Extract<WorldEvent, { readonly kind: "frame" }>;

export interface Session {
  readonly connection: number;
  readonly instance: string;
}

export class Links {
  /** By agent. */
  readonly sessions = new Map<string, Session>();
  /** Since when all agents that ever had a session have one; Infinity: one has none. */
  allSinceMs = -Infinity;
  readonly #lost = new Set<string>();

  /** True: the agent has a session from now on. */
  onFrame({ agent, connection, instance, to, type, atMs }: FrameEvent): boolean {
    if (to !== "agent" || type !== "welcome" || isCopy(agent)) return false;
    this.sessions.set(agent, { connection, instance });
    if (this.#lost.delete(agent) && this.#lost.size === 0) this.allSinceMs = atMs;
    return true;
  }

  /** True: the agent has none any more. */
  onLink({ agent, connection, change }: LinkEvent): boolean {
    if (change === "opened" || isCopy(agent)) return false;
    if (this.sessions.get(agent)?.connection !== connection) return false;
    this.#lost.add(agent);
    this.allSinceMs = Infinity;
    return this.sessions.delete(agent);
  }
}

/** A copy of an agent has no right to a session. */
export function isCopy(agent: string): boolean {
  return agent.includes("#");
}
