// The sessions of a simulated BMC, open or half open: a limit, and time-outs that make room.
import type { CipherSuite } from "../../../shared/wire/ipmi/cipher-suites.table.ts";
import type { SessionKeys } from "../../../shared/wire/ipmi/protected-packet.ts";
import type { Handshake } from "../../../shared/wire/ipmi/rakp.ts";
import { makeReceiveWindow } from "../../../shared/wire/ipmi/receive-window.ts";
import type { ReceiveWindow } from "../../../shared/wire/ipmi/receive-window.ts";

export interface SimulatedUser {
  readonly name: string;
  readonly password: string;
  readonly privilege: "user" | "operator" | "administrator";
}

export interface SimulatedSession {
  readonly consoleSessionId: number;
  readonly bmcSessionId: number;
  readonly suite: CipherSuite;
  readonly maximumPrivilege: number;
  readonly window: ReceiveWindow;
  usedMs: number;
  /** From RAKP 2 on. */
  handshake?: { readonly values: Handshake; readonly user: SimulatedUser };
  /** From RAKP 4 on. */
  keys?: SessionKeys;
  privilege: number;
  sentSequence: number;
  /** The last request and its answer: a request that is repeated is not carried out again. */
  last?: { readonly request: string; readonly response: Promise<Uint8Array> };
}

/** A half-open session ends sooner than an idle one. */
const halfOpenMs = 15_000;

export class SessionTable {
  readonly #sessions = new Map<number, SimulatedSession>();
  readonly #limit: number;
  readonly #idleMs: number;

  constructor(limit: number, idleMs: number) {
    this.#limit = limit;
    this.#idleMs = idleMs;
  }

  get open(): number {
    return [...this.#sessions.values()].filter((session) => session.keys !== undefined).length;
  }

  get(bmcSessionId: number, nowMs: number): SimulatedSession | undefined {
    this.#expire(nowMs);
    return this.#sessions.get(bmcSessionId);
  }

  /** Undefined when all places are taken by open sessions. */
  add(
    made: Pick<
      SimulatedSession,
      "consoleSessionId" | "bmcSessionId" | "suite" | "maximumPrivilege"
    >,
    nowMs: number,
  ): SimulatedSession | undefined {
    this.#expire(nowMs);
    if (this.#sessions.size >= this.#limit) {
      const halfOpen = [...this.#sessions.values()].find((session) => session.keys === undefined);
      if (halfOpen === undefined) return undefined;
      this.#sessions.delete(halfOpen.bmcSessionId);
    }
    const session: SimulatedSession = {
      ...made,
      window: makeReceiveWindow(),
      usedMs: nowMs,
      privilege: 0,
      sentSequence: 0,
    };
    this.#sessions.set(session.bmcSessionId, session);
    return session;
  }

  delete(bmcSessionId: number): void {
    this.#sessions.delete(bmcSessionId);
  }

  clear(): void {
    this.#sessions.clear();
  }

  #expire(nowMs: number): void {
    for (const [id, session] of this.#sessions) {
      const limitMs = session.keys === undefined ? halfOpenMs : this.#idleMs;
      if (nowMs - session.usedMs > limitMs) this.#sessions.delete(id);
    }
  }
}
