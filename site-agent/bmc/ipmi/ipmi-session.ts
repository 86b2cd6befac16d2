// An RMCP+ session that is open: sends commands and matches answers. When to open one, keep it alive
// or give it up is ipmi-endpoint.ts.
import type { Result } from "../../../shared/result.ts";
import { applicationCommand } from "../../../shared/wire/ipmi/application-commands.ts";
import { uint32Bytes } from "../../../shared/wire/ipmi/byte-order.ts";
import type { CipherSuiteId } from "../../../shared/wire/ipmi/cipher-suites.table.ts";
import { decodeResponse, encodeRequest, netFn } from "../../../shared/wire/ipmi/message.ts";
import type { IpmiResponse } from "../../../shared/wire/ipmi/message.ts";
import { openPacket, sealPacket } from "../../../shared/wire/ipmi/protected-packet.ts";
import type { SessionCiphers, SessionKeys } from "../../../shared/wire/ipmi/protected-packet.ts";
import { makeReceiveWindow } from "../../../shared/wire/ipmi/receive-window.ts";
import type { Crypto } from "../../ports.ts";
import type { SendFence } from "../port.ts";
import type { BmcSocket } from "./bmc-socket.ts";

export interface IpmiCommand {
  readonly netFn: number;
  readonly command: number;
  readonly data: Uint8Array;
  /** Of one that changes the machine. */
  readonly fence?: SendFence | undefined;
}

export interface IpmiSession {
  readonly suite: CipherSuiteId;
  /** Undefined: no answer within the waits, or the fence has let it be sent no more. */
  command(
    command: IpmiCommand,
    waitsMs: readonly number[],
  ): Promise<Result<IpmiResponse | undefined, "unreachable">>;
  /** Tells the BMC and waits for nothing: some do not answer. */
  close(): void;
}

export interface SessionIds {
  readonly consoleSessionId: number;
  readonly bmcSessionId: number;
}

export type SessionCrypto = SessionCiphers & Pick<Crypto, "randomBytes">;

export function makeIpmiSession(
  socket: BmcSocket,
  crypto: SessionCrypto,
  keys: SessionKeys,
  ids: SessionIds,
): IpmiSession {
  const window = makeReceiveWindow();
  let sessionSequence = 0;
  let requestSequence = 0;

  function seal(command: IpmiCommand, sequence: number): Uint8Array {
    sessionSequence += 1;
    return sealPacket(
      {
        sessionId: ids.bmcSessionId,
        sequence: sessionSequence,
        message: encodeRequest({ ...command, sequence }),
      },
      crypto.randomBytes(16),
      keys,
      crypto,
    );
  }

  function nextRequestSequence(): number {
    requestSequence = (requestSequence + 1) % 64;
    return requestSequence;
  }

  function match(body: Uint8Array, command: IpmiCommand, sequence: number) {
    const opened = openPacket(body, keys, crypto);
    if (opened?.sessionId !== ids.consoleSessionId) return undefined;
    if (!window.accept(opened.sequence)) return undefined;
    const response = decodeResponse(opened.message);
    const isAnswer =
      response?.netFn === command.netFn &&
      response.command === command.command &&
      response.sequence === sequence;
    return isAnswer ? response : undefined;
  }

  return {
    suite: keys.suite.id,
    command(command, waitsMs) {
      const sequence = nextRequestSequence();
      return socket.exchange({
        packet: () => seal(command, sequence),
        match: (body) => match(body, command, sequence),
        waitsMs,
        mayTransmit: () => command.fence?.() === undefined,
      });
    },
    close() {
      const close = {
        netFn: netFn.application,
        command: applicationCommand.closeSession,
        data: uint32Bytes(ids.bmcSessionId),
      };
      socket.send(seal(close, nextRequestSequence()));
    },
  };
}
