// One physical BMC, whichever hosts name it: one session, one command at a time, the login budget, the
// keep-alive. What commands mean is ipmi-bmc.ts.
import { toHex } from "../../../shared/bytes.ts";
import type { Failure, Result } from "../../../shared/result.ts";
import { err, ok, quote } from "../../../shared/result.ts";
import {
  applicationCommand,
  decodeDeviceId,
} from "../../../shared/wire/ipmi/application-commands.ts";
import type { CipherSuiteId } from "../../../shared/wire/ipmi/cipher-suites.table.ts";
import { netFn } from "../../../shared/wire/ipmi/message.ts";
import type { IpmiResponse } from "../../../shared/wire/ipmi/message.ts";
import type { Clock, Crypto, Log, Timer, Udp } from "../../ports.ts";
import { loginBudgetLimit, makeLoginBudget } from "../login-budget.ts";
import type { LoginBudget, LoginBudgetOptions, LoginMemory } from "../login-budget.ts";
import type { BmcErrorKind } from "../port.ts";
import { makeSerialQueue } from "../serial-queue.ts";
import { ToldPower } from "../told-power.ts";
import { makeBmcSocket } from "./bmc-socket.ts";
import type { BmcSocket } from "./bmc-socket.ts";
import type { IpmiCommand, IpmiSession } from "./ipmi-session.ts";
import { checkCredentialLengths, logIn } from "./login.ts";
import { quirksOf } from "./quirks.table.ts";
import type { IpmiQuirks } from "./quirks.table.ts";
import { timing } from "./timing.table.ts";

export interface IpmiPorts {
  readonly udp: Udp;
  readonly clock: Clock;
  readonly crypto: Crypto;
  readonly log: Log;
  /** Absent: failed logins are forgotten when the agent ends. */
  readonly logins?: {
    readonly memoryOf: (bmc: string) => LoginMemory;
    /** Goes on over a restart. */
    readonly clock: LoginBudgetOptions["clock"];
    /** Names of credentials are keyed by it, so that they tell nobody anything. */
    readonly key: Uint8Array;
    /** Nobody else acts for the site. */
    readonly isAlone: () => boolean;
    /** Somebody else does: nothing is logged in to. */
    readonly isTaken: () => boolean;
  };
}

export interface IpmiTarget {
  /** host:port, for messages. */
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** Cipher suite to try first. */
  readonly suiteHint?: CipherSuiteId;
}

export interface IpmiCredentials {
  readonly username: string;
  readonly password: string;
  readonly version: string;
  readonly privilege: "administrator" | "operator";
}

export interface EndpointCommand extends IpmiCommand {
  /** For messages: "power cycle". */
  readonly what: string;
  /** May run twice without harm: sent anew, in a new session, when no answer comes. */
  readonly repeatable: boolean;
}

const getDeviceId: IpmiCommand = {
  netFn: netFn.application,
  command: applicationCommand.getDeviceId,
  data: new Uint8Array(),
};

export class IpmiEndpoint {
  /** Runs whole mutating calls one at a time; reads go in between their commands. */
  readonly exclusive = makeSerialQueue();
  readonly toldPower: ToldPower;
  readonly #oneCommand = makeSerialQueue();
  readonly #budget: LoginBudget;
  readonly #ports: IpmiPorts;
  readonly #target: IpmiTarget;
  readonly #socket: BmcSocket;
  /** The one that worked last comes first. */
  #suites: readonly CipherSuiteId[];
  #quirks = quirksOf(undefined);
  #current: { readonly session: IpmiSession; readonly credentials: IpmiCredentials } | undefined;
  #silence: { readonly untilMs: number; readonly error: Failure<BmcErrorKind> } | undefined;
  #sentMs = -Infinity;
  #askedMs = -Infinity;
  #keepAlive: Timer | undefined;
  #closed = false;

  constructor(ports: IpmiPorts, target: IpmiTarget) {
    this.#ports = ports;
    this.#target = target;
    const { clock, logins } = ports;
    this.toldPower = new ToldPower(clock);
    this.#budget = makeLoginBudget(logins && { ...logins, memory: logins.memoryOf(target.name) });
    this.#socket = makeBmcSocket(ports, target);
    this.#suites = target.suiteHint === 3 ? [3, 17] : [17, 3];
  }

  /** An answer with a bad completion code is a value here: what it means depends on the command. */
  command(
    credentials: IpmiCredentials,
    command: EndpointCommand,
  ): Promise<Result<IpmiResponse, BmcErrorKind>> {
    return this.#oneCommand(async () => {
      this.#askedMs = this.#ports.clock.monotonicMs();
      const result = await this.#send(credentials, command);
      this.#armKeepAlive();
      return result;
    });
  }

  /** What is odd about this BMC; logs in when nobody has. */
  quirks(credentials: IpmiCredentials): Promise<Result<IpmiQuirks, BmcErrorKind>> {
    return this.#oneCommand(async () => {
      const session = await this.#ensureSession(credentials);
      return session.ok ? ok(this.#quirks) : session;
    });
  }

  /** Gives the session back and fails all that comes later. */
  close(): void {
    this.#closed = true;
    this.#keepAlive?.cancel();
    this.#logOut();
    this.#socket.end();
  }

  async #send(
    credentials: IpmiCredentials,
    command: EndpointCommand,
  ): Promise<Result<IpmiResponse, BmcErrorKind>> {
    const { triesLeft, waitsMs } = command.repeatable
      ? { triesLeft: [1, 0], waitsMs: timing.sessionWaitsMs }
      : { triesLeft: [0], waitsMs: timing.onceWaitsMs };
    for (const left of triesLeft) {
      const session = await this.#ensureSession(credentials);
      if (!session.ok) return session;
      const answer = await this.#exchange(session.value, command, waitsMs);
      // What was sent once may have been carried out.
      if (!answer.ok && left < triesLeft.length - 1) break;
      if (!answer.ok) return answer;
      if (answer.value !== undefined) return ok(answer.value);
      const isLast = left === 0 || command.fence?.() !== undefined;
      this.#loseSession(isLast ? "give up" : "log in anew");
      if (isLast) break;
    }
    return err("unreachable", `BMC ${this.#target.name} did not answer: ${command.what}`);
  }

  async #exchange(
    session: IpmiSession,
    command: IpmiCommand,
    waitsMs: readonly number[],
  ): Promise<Result<IpmiResponse | undefined, BmcErrorKind>> {
    const { clock } = this.#ports;
    const pauseMs = this.#sentMs + this.#quirks.minimumIntervalMs - clock.monotonicMs();
    if (pauseMs > 0) await clock.sleep(pauseMs);
    const error = command.fence?.();
    if (error !== undefined) return { ok: false, error };
    const answer = await session.command(command, waitsMs);
    this.#sentMs = clock.monotonicMs();
    return answer;
  }

  async #ensureSession(credentials: IpmiCredentials): Promise<Result<IpmiSession, BmcErrorKind>> {
    if (this.#current !== undefined && sameCredentials(this.#current.credentials, credentials)) {
      return ok(this.#current.session);
    }
    const now = this.#ports.clock.monotonicMs();
    if (this.#silence !== undefined && now < this.#silence.untilMs) {
      return { ok: false, error: this.#silence.error };
    }
    const tooLong = checkCredentialLengths(credentials, this.#target.name);
    if (tooLong !== undefined) return tooLong;
    if (this.#ports.logins?.isTaken() === true) return this.#leftAlone();
    const waitMs = this.#budget.waitMs(budgetKey(this.#ports, credentials), now);
    if (waitMs > 0) return this.#overBudget(credentials, waitMs);
    this.#logOut();
    return this.#logIn(credentials);
  }

  async #logIn(credentials: IpmiCredentials): Promise<Result<IpmiSession, BmcErrorKind>> {
    const { clock, crypto, log } = this.#ports;
    const bmc = this.#target.name;
    const login = await logIn(this.#socket, crypto, {
      bmc,
      username: credentials.username,
      password: credentials.password,
      privilege: credentials.privilege,
      suites: this.#suites,
    });
    const now = clock.monotonicMs();
    if (this.#closed && login.ok) login.value.close();
    if (this.#closed) return err("unreachable", "The agent is stopping; ask again when it is back");
    if (!login.ok) {
      const { kind, message } = login.error;
      log.warn("BMC login failed", { bmc, kind, message });
      if (kind === "credentials") this.#budget.spend(budgetKey(this.#ports, credentials), now);
      if (kind === "unreachable") {
        this.#silence = { untilMs: now + timing.silenceMs, error: login.error };
      }
      this.#socket.close();
      return login;
    }
    const session = login.value;
    this.#budget.restore(budgetKey(this.#ports, credentials));
    this.#silence = undefined;
    this.#suites = session.suite === 17 ? [17, 3] : [3, 17];
    this.#current = { session, credentials };
    const answer = await this.#exchange(session, getDeviceId, timing.sessionWaitsMs);
    const device = answer.ok && answer.value ? decodeDeviceId(answer.value.data) : undefined;
    this.#quirks = quirksOf(device?.manufacturerId);
    log.info("BMC login", { bmc, suite: session.suite, manufacturerId: device?.manufacturerId });
    return login;
  }

  #leftAlone(): Result<never, BmcErrorKind> {
    const { name } = this.#target;
    return err("busy", `BMC ${name} is left to another process that has this agent's identity`);
  }

  #overBudget(credentials: IpmiCredentials, waitMs: number): Result<never, BmcErrorKind> {
    const minutes = Math.ceil(waitMs / 60_000);
    return err(
      "login-budget",
      `BMC ${this.#target.name} refused user ${quote(credentials.username)}` +
        ` ${loginBudgetLimit.failures} times; correct the credentials Secret,` +
        ` or wait ${minutes} min for the next try`,
    );
  }

  #armKeepAlive(): void {
    this.#keepAlive?.cancel();
    if (this.#closed || this.#current === undefined) return;
    this.#keepAlive = this.#ports.clock.timer(timing.keepAliveMs, () => {
      void this.#oneCommand(async () => {
        await this.#keepSession();
        this.#armKeepAlive();
      });
    });
  }

  async #keepSession(): Promise<void> {
    if (this.#current === undefined) return;
    if (this.#ports.clock.monotonicMs() - this.#askedMs >= timing.idleCloseMs) {
      this.#logOut();
      return;
    }
    const { session } = this.#current;
    const answer = await this.#exchange(session, getDeviceId, timing.sessionWaitsMs);
    if (!answer.ok || answer.value === undefined) this.#loseSession("log in at the next command");
  }

  #loseSession(next: string): void {
    if (this.#closed) return;
    this.#ports.log.warn("BMC session lost", { bmc: this.#target.name, next });
    this.#current = undefined;
  }

  #logOut(): void {
    this.#current?.session.close();
    this.#current = undefined;
    this.#socket.close();
  }
}

/** What is sent, not the Secret's version: a label on the Secret does not make a wrong password right. */
function budgetKey({ crypto, logins }: IpmiPorts, { username, password }: IpmiCredentials): string {
  const text = new TextEncoder().encode(JSON.stringify([username, password]));
  return toHex(crypto.hmac("sha256", logins?.key ?? new Uint8Array(32), text));
}

function sameCredentials(a: IpmiCredentials, b: IpmiCredentials): boolean {
  return (
    a.version === b.version &&
    a.username === b.username &&
    a.password === b.password &&
    a.privilege === b.privilege
  );
}
