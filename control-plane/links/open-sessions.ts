// The link sessions whose sockets this instance holds. Authority over nothing: the database says which session is
// current; this only knows whom to wake.
import type { Crypto } from "../ports.ts";
import type { LinkSession } from "./link-session.ts";

export interface OpenSessions {
  add(session: LinkSession): void;
  remove(session: LinkSession): void;
  count(): number;
  /** A bus topic; undefined: something may have been missed. */
  notify(topic: string | undefined): void;
  /** This instance goes away: agents shall come back elsewhere, not all at once. */
  goaway(): void;
}

const spreadMs = 5_000;

export function makeOpenSessions(crypto: Crypto): OpenSessions {
  const sessions = new Set<LinkSession>();
  return {
    add: (session) => void sessions.add(session),
    remove: (session) => void sessions.delete(session),
    count: () => sessions.size,
    notify(topic) {
      for (const session of sessions) session.notify(topic);
    },
    goaway() {
      for (const session of sessions) {
        session.goaway(Number.parseInt(crypto.randomHex(2), 16) % spreadMs);
      }
    },
  };
}
