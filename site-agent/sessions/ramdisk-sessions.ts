// The ramdisks of a site: which boots are expected, which connections are admitted, which hosts are waited for.
import { ramdiskPath } from "../../shared/protocol/ramdisk.ts";
import { err, ok } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import type { Clock, Crypto, Duplex, Log, ServerRequest } from "../ports.ts";
import { helloProblem, makeBootTokens } from "./boot-tokens.ts";
import type { BootTokens, ExpectedBoot, Hello } from "./boot-tokens.ts";
import { makeInbox } from "./inbox.ts";
import type { Inbox } from "./inbox.ts";
import type { RamdiskSession, RamdiskSessions } from "./port.ts";
import { AttachableSession } from "./ramdisk-session.ts";
import { readMessage } from "./read-message.ts";

const helloMs = 10_000;

export interface RamdiskServer extends RamdiskSessions {
  /** For the TLS server's WebSocket route. A bad token or message closes the duplex with 1008. */
  upgrade(request: ServerRequest, duplex: Duplex): void;
}

interface Deps {
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly log: Log;
}

interface Waiter {
  readonly hostUid: string;
  readonly arrived: (session: RamdiskSession) => void;
}

export function makeRamdiskSessions(deps: Deps): RamdiskServer {
  const { clock, log } = deps;
  const tokens = makeBootTokens(deps.crypto);
  const waiters = new Set<Waiter>();
  const forget = (hostUid: string, reason: string): void => {
    for (const boot of tokens.ofHost(hostUid)) {
      tokens.remove(boot);
      boot.claimed?.session.end(reason);
    }
  };
  const session = (hostUid: string): RamdiskSession | undefined =>
    tokens
      .ofHost(hostUid)
      .map((boot) => boot.claimed?.session)
      .find((each) => each?.alive() === true);
  const admit = makeDoor(deps, tokens, (hostUid) => forget(hostUid, "the ramdisk has left"));
  return {
    expect({ hostUid, mac, bootToken }) {
      forget(hostUid, "another boot is expected");
      tokens.add(bootToken, { hostUid, mac: mac.toLowerCase() });
    },
    forget: (hostUid) => forget(hostUid, "no longer expected"),
    session,
    waitFor(hostUid, options) {
      const alive = session(hostUid);
      if (alive !== undefined) return Promise.resolve(ok(alive));
      return waitForArrival(clock, waiters, { hostUid, ...options });
    },
    upgrade(request, duplex) {
      const boot = tokens.find(request.headers["authorization"]);
      if (request.path !== ramdiskPath || boot === undefined) {
        log.warn("ramdisk without a valid boot token", { address: request.remote.address });
        duplex.close(1008, "not authorised");
        return;
      }
      const inbox = makeInbox(duplex);
      readHello(inbox, clock, async (hello) => {
        const admitted = await admit(boot, hello);
        if (!admitted.ok) {
          log.warn("ramdisk refused", { reason: admitted.error.message, bootMac: hello.bootMac });
          duplex.close(1008, admitted.error.message);
          return;
        }
        log.info("ramdisk connected", { host: boot.hostUid, bootMac: hello.bootMac });
        admitted.value.attach(inbox);
        for (const { hostUid, arrived } of waiters) {
          if (hostUid === boot.hostUid) arrived(admitted.value);
        }
      });
    },
  };
}

/** Decides about a hello: a new session, the former one, or a reason why neither. */
function makeDoor({ clock, log }: Deps, tokens: BootTokens, onLeft: (hostUid: string) => void) {
  const open = ({ hostUid }: ExpectedBoot, { identity }: Hello): AttachableSession =>
    new AttachableSession({ hostUid, identity, clock, log, onLeft: () => onLeft(hostUid) });
  return async (
    boot: ExpectedBoot,
    hello: Hello,
  ): Promise<Result<AttachableSession, "refused">> => {
    const problem = helloProblem(boot, hello, clock.monotonicMs());
    if (problem !== undefined) return err("refused", problem);
    const { claimed } = boot;
    if (claimed === undefined) {
      // In the same turn: of two that come at once only one is the first.
      boot.claimed = { session: open(boot, hello), hello, atMs: clock.monotonicMs() };
      return ok(boot.claimed.session);
    }
    // A token read from the boot network must not take a living ramdisk's place.
    if (await claimed.session.answers()) return err("refused", "this boot token is in use");
    return tokens.has(boot) ? ok(claimed.session) : err("refused", "not authorised");
  };
}

/** Calls `greeted` with the first message; what follows waits in the inbox. */
function readHello(inbox: Inbox, clock: Clock, greeted: (hello: Hello) => Promise<void>): void {
  const { duplex } = inbox;
  const timer = clock.timer(helloMs, () => duplex.close(1008, "no hello"));
  inbox.read(
    (text) => {
      timer.cancel();
      inbox.hold();
      const message = readMessage(text);
      if (!message.ok) duplex.close(1008, message.error.message);
      else if (message.value.type !== "hello") duplex.close(1008, "hello comes first");
      else void greeted(message.value);
    },
    () => timer.cancel(),
  );
}

function waitForArrival(
  clock: Clock,
  waiters: Set<Waiter>,
  options: { readonly hostUid: string; readonly timeoutMs: number; readonly signal: AbortSignal },
): Promise<Result<RamdiskSession, "timeout" | "cancelled">> {
  const { hostUid, timeoutMs, signal } = options;
  return new Promise((resolve) => {
    const settle = (result: Result<RamdiskSession, "timeout" | "cancelled">): void => {
      timer.cancel();
      signal.removeEventListener("abort", onAbort);
      waiters.delete(waiter);
      resolve(result);
    };
    const onAbort = (): void => settle(err("cancelled", "The wait for the ramdisk was given up"));
    const timer = clock.timer(timeoutMs, () =>
      settle(err("timeout", `The ramdisk did not connect within ${timeoutMs / 1000} s`)),
    );
    const waiter: Waiter = { hostUid, arrived: (session) => settle(ok(session)) };
    waiters.add(waiter);
    signal.addEventListener("abort", onAbort);
    if (signal.aborted) onAbort();
  });
}
