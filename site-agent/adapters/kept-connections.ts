// Connections to a server that is asked again and again, kept for its next request: with a handshake for each, that is
// most of what a small request costs.
import { Agent } from "node:https";
import type { Socket } from "node:net";
import type { Result } from "../../shared/result.ts";
import type { HttpError } from "../ports.ts";

/** Servers keep them for 5 s and longer. */
const idleMs = 4_000;
const mostAtOnce = 8;

type Done = (error: Error | null, socket: Socket) => void;
type Opened = Result<Socket, HttpError>;

/** What the request's "error" event carries when there was no connection for it. */
export class NotConnected extends Error {
  readonly failure: Opened & { readonly ok: false };

  constructor(failure: Opened & { readonly ok: false }) {
    super(failure.error.message);
    this.failure = failure;
  }
}

export class KeptConnections extends Agent {
  readonly #open: () => Promise<Opened>;

  constructor(open: () => Promise<Opened>) {
    super({ keepAlive: true, timeout: idleMs, maxSockets: mostAtOnce });
    this.#open = open;
  }

  override createConnection(_options: unknown, done?: Done): undefined {
    void this.#connect(done);
  }

  async #connect(done: Done | undefined): Promise<void> {
    const opened = await this.#open();
    if (opened.ok) done?.(null, opened.value);
    // The type forgets that there is no socket then.
    else (done as ((error: Error) => void) | undefined)?.(new NotConnected(opened));
  }
}
