// Opens a session on a BMC: first contact, then handshakes with the cipher suites and privileges that
// may work, until one does or an answer ends it. Counts no failures: that is ipmi-endpoint.ts.
import type { Result } from "../../../shared/result.ts";
import { err, ok, quote } from "../../../shared/result.ts";
import {
  applicationCommand,
  decodeAuthCapabilities,
  encodeAuthCapabilitiesRequest,
  privilege as privileges,
} from "../../../shared/wire/ipmi/application-commands.ts";
import type { AuthCapabilities } from "../../../shared/wire/ipmi/application-commands.ts";
import type { CipherSuiteId } from "../../../shared/wire/ipmi/cipher-suites.table.ts";
import { completionCode } from "../../../shared/wire/ipmi/completion-codes.table.ts";
import { decodeResponse, encodeRequest, netFn } from "../../../shared/wire/ipmi/message.ts";
import type { IpmiResponse } from "../../../shared/wire/ipmi/message.ts";
import { passwordLimitBytes, userNameLimitBytes } from "../../../shared/wire/ipmi/rakp.ts";
import { describeRakpStatus, rakpStatus } from "../../../shared/wire/ipmi/rakp-status.table.ts";
import {
  decodeSessionPacket,
  encodeLegacyPacket,
} from "../../../shared/wire/ipmi/session-packet.ts";
import type { BmcErrorKind } from "../port.ts";
import type { BmcSocket } from "./bmc-socket.ts";
import { shakeHands } from "./handshake.ts";
import type { HandshakeOptions, HandshakeOutcome } from "./handshake.ts";
import type { IpmiSession, SessionCrypto } from "./ipmi-session.ts";
import { timing } from "./timing.table.ts";

export interface LoginOptions {
  /** For messages. */
  readonly bmc: string;
  readonly username: string;
  readonly password: string;
  readonly privilege: "administrator" | "operator";
  /** In the order in which to try them. */
  readonly suites: readonly CipherSuiteId[];
}

type LoginResult = Result<IpmiSession, BmcErrorKind>;

/** A refusal of kind "credentials" is what a login budget counts. */
export async function logIn(
  socket: BmcSocket,
  crypto: SessionCrypto,
  options: LoginOptions,
): Promise<LoginResult> {
  const text = new TextEncoder();
  const userName = text.encode(options.username);
  const password = text.encode(options.password);
  const contact = await makeContact(socket, options.bmc);
  if (!contact.ok) return contact;

  const plan = makePlan(options, contact.value);
  for (;;) {
    const tried: HandshakeOptions = {
      userName,
      password,
      suite: plan.suite(),
      privilege: plan.privilege(),
    };
    const outcome = await shakeHands(socket, crypto, tried);
    if (outcome.kind === "open") return raisePrivilege(outcome.session, tried.privilege, options);
    const end = plan.afterFailure(outcome);
    if (end !== undefined) return end;
  }
}

/** An error when no BMC could take these; undefined otherwise. Nothing is sent. */
export function checkCredentialLengths(
  credentials: Pick<LoginOptions, "username" | "password">,
  bmc: string,
): LoginResult | undefined {
  const text = new TextEncoder();
  const where = `correct the credentials Secret of BMC ${bmc}`;
  if (text.encode(credentials.username).length > userNameLimitBytes) {
    return err("credentials", `IPMI allows ${userNameLimitBytes} bytes of user name; ${where}`);
  }
  if (text.encode(credentials.password).length > passwordLimitBytes) {
    return err("credentials", `IPMI allows ${passwordLimitBytes} bytes of password; ${where}`);
  }
  return undefined;
}

/** Get Channel Authentication Capabilities, the one command that every BMC answers unasked. */
async function makeContact(
  socket: BmcSocket,
  bmc: string,
): Promise<Result<AuthCapabilities, BmcErrorKind>> {
  for (const rmcpPlus of [true, false]) {
    const request = {
      netFn: netFn.application,
      command: applicationCommand.getChannelAuthCapabilities,
      sequence: rmcpPlus ? 1 : 2,
      data: encodeAuthCapabilitiesRequest({ rmcpPlus, privilege: privileges.administrator }),
    };
    const answer = await socket.exchange<IpmiResponse>({
      packet: () => encodeLegacyPacket(encodeRequest(request)),
      match(body) {
        const packet = decodeSessionPacket(body);
        const response = packet?.format === "1.5" ? decodeResponse(packet.message) : undefined;
        const isAnswer =
          response?.command === request.command && response.sequence === request.sequence;
        return isAnswer ? response : undefined;
      },
      waitsMs: timing.firstContactWaitsMs,
    });
    if (!answer.ok) return answer;
    if (answer.value === undefined) {
      return err(
        "unreachable",
        `BMC ${bmc} does not answer; check its address, its network and that IPMI over LAN is enabled`,
      );
    }
    const capabilities = decodeAuthCapabilities(answer.value.data);
    if (answer.value.completionCode === completionCode.ok && capabilities !== undefined) {
      return ok(capabilities);
    }
    // CCh from old BMCs, for which the RMCP+ bit is reserved: ask without it.
  }
  return ok({ rmcpPlus: false, kgSet: false });
}

interface LoginPlan {
  suite(): CipherSuiteId;
  privilege(): number;
  /** Undefined: changed the plan, try again. */
  afterFailure(outcome: Exclude<HandshakeOutcome, { kind: "open" }>): LoginResult | undefined;
}

/** Silent or confused BMCs get this many handshakes in all. */
const patience = 3;

function makePlan(options: LoginOptions, capabilities: AuthCapabilities): LoginPlan {
  const { bmc } = options;
  let level: number = privileges[options.privilege];
  let suites = [...options.suites];
  let patienceLeft = patience;
  const refusals: string[] = [];
  let sawNoResources = false;

  const again = (end: LoginResult): LoginResult | undefined => {
    patienceLeft -= 1;
    return patienceLeft > 0 ? undefined : end;
  };

  function lowerPrivilege(): LoginResult | undefined {
    if (level <= privileges.operator) return tooLittlePrivilege(options);
    level = privileges.operator;
    suites = [...options.suites];
    return undefined;
  }

  /** Some BMCs answer "no resources" to a suite that they do not like, so any refusal counts. */
  function nextSuite(status: number): LoginResult | undefined {
    refusals.push(`suite ${suites.shift()}: ${describeRakpStatus(status).text}`);
    sawNoResources ||= describeRakpStatus(status).means === "resources";
    if (suites.length > 0) return undefined;
    const why = refusals.join("; ");
    return sawNoResources
      ? err("busy", `BMC ${bmc} opens no session (${why}); close other sessions or wait`)
      : err("unsupported", `BMC ${bmc} opens no session (${why}); enable cipher suite 17 or 3`);
  }

  function afterRefusal(step: string, status: number): LoginResult | undefined {
    const { means, text } = describeRakpStatus(status);
    if (means === "privilege") return lowerPrivilege();
    if (step === "Open Session" || means === "suite") return nextSuite(status);
    if (means === "credentials") return wrongCredentials(options, text);
    if (means === "resources") return err("busy", `BMC ${bmc} has no free session; wait`);
    const refused = err("refused", `BMC ${bmc} ends the login at ${step}: ${text}`);
    // The answer to RAKP 3 was lost and the BMC has moved on, or it dropped the half-open session.
    return status === rakpStatus.badSessionId ? again(refused) : refused;
  }

  return {
    suite: () => suites[0] ?? 3,
    privilege: () => level,
    afterFailure(outcome) {
      switch (outcome.kind) {
        case "silent":
          return again(silent(bmc, outcome.step, capabilities));
        case "refused":
          return afterRefusal(outcome.step, outcome.status);
        case "wrong-password":
          // Some BMCs answer this way for a user that does not exist, too.
          return wrongCredentials(options, "user or password is wrong");
        case "wrong-proof":
          return capabilities.kgSet
            ? err("unsupported", `BMC ${bmc} has a second key (Kg) set; clear it on the BMC`)
            : err("refused", `BMC ${bmc} proves itself wrongly at RAKP 4; update its firmware`);
      }
    },
  };
}

function wrongCredentials(options: LoginOptions, why: string): LoginResult {
  return err(
    "credentials",
    `BMC ${options.bmc} does not accept user ${quote(options.username)}: ${why};` +
      " correct the credentials Secret",
  );
}

function tooLittlePrivilege(options: LoginOptions): LoginResult {
  return err(
    "privilege",
    `User ${quote(options.username)} of BMC ${options.bmc} is neither administrator nor operator;` +
      " raise its privilege on the BMC's LAN channel",
  );
}

function silent(bmc: string, step: string, capabilities: AuthCapabilities): LoginResult {
  return step === "Open Session" && !capabilities.rmcpPlus
    ? err("unsupported", `BMC ${bmc} speaks only IPMI 1.5; enable IPMI 2.0 (RMCP+) on it`)
    : err("unreachable", `BMC ${bmc} stopped answering during login (${step})`);
}

/** A new session has user privilege (section 22.18); administrator may be more than the user has. */
async function raisePrivilege(
  session: IpmiSession,
  level: number,
  options: LoginOptions,
): Promise<LoginResult> {
  const levels = level > privileges.operator ? [level, privileges.operator] : [level];
  for (const wanted of levels) {
    const command = {
      netFn: netFn.application,
      command: applicationCommand.setSessionPrivilege,
      data: Uint8Array.of(wanted),
    };
    const answer = await session.command(command, timing.sessionWaitsMs);
    if (!answer.ok) return answer;
    if (answer.value === undefined) {
      return err("unreachable", `BMC ${options.bmc} stopped answering after login`);
    }
    if (answer.value.completionCode === completionCode.ok) return ok(session);
  }
  session.close();
  return tooLittlePrivilege(options);
}
