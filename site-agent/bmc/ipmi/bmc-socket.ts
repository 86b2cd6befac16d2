// Datagrams to and from one BMC: sends a request, sends it again when no answer comes in time, and
// hands back the first datagram that the caller takes for the answer. One request at a time.
import type { Result } from "../../../shared/result.ts";
import { err, ok } from "../../../shared/result.ts";
import { decodeRmcp, encodeRmcp } from "../../../shared/wire/ipmi/rmcp.ts";
import type { Clock, Timer, Udp, UdpSocket } from "../../ports.ts";

interface Exchange<T> {
  /** Called for each transmission: a packet sent again in a session needs a new sequence number. */
  packet(): Uint8Array;
  /** Undefined: not the answer; go on waiting. */
  match(body: Uint8Array): T | undefined;
  /** One transmission per entry, and how long to wait after it. */
  readonly waitsMs: readonly number[];
  /** Asked before each transmission; no ends the exchange without an answer. */
  mayTransmit?(): boolean;
}

export interface BmcSocket {
  /** Undefined when the last wait has passed, nothing may be sent any more, or the socket was closed. */
  exchange<T>(exchange: Exchange<T>): Promise<Result<T | undefined, "unreachable">>;
  /** Sends once and expects nothing. */
  send(packet: Uint8Array): void;
  /** The next exchange opens it again. */
  close(): void;
  /** Closes it, and fails every later exchange. */
  end(): void;
}

export function makeBmcSocket(
  ports: { readonly udp: Udp; readonly clock: Clock },
  bmc: { readonly host: string; readonly port: number },
): BmcSocket {
  const to = { address: bmc.host, port: bmc.port };
  let socket: UdpSocket | undefined;
  let ended = false;
  let pending: Pick<Waiting<unknown>, "take" | "giveUp"> | undefined;

  async function open(): Promise<Result<UdpSocket, "unreachable">> {
    if (ended) return err("unreachable", "The agent is stopping; ask again when it is back");
    if (socket !== undefined) return ok(socket);
    const bound = await ports.udp.bind({
      address: bmc.host.includes(":") ? "::" : "0.0.0.0",
      port: 0,
      onMessage(data, from) {
        // A name may stand for any address, so only the port is compared there.
        const stranger = isIpAddress(bmc.host) && from.address !== bmc.host;
        if (stranger || from.port !== bmc.port) return;
        const datagram = decodeRmcp(data);
        if (datagram?.messageClass === "ipmi") pending?.take(datagram.body);
      },
    });
    if (!bound.ok) {
      return err("unreachable", `No UDP socket for BMC ${bmc.host}: ${bound.error.message}`);
    }
    socket = bound.value;
    return ok(socket);
  }

  function close(): void {
    socket?.close();
    socket = undefined;
    pending?.giveUp();
  }

  return {
    async exchange(exchange) {
      const opened = await open();
      if (!opened.ok) return opened;
      const waiting = startWaiting(ports.clock, exchange, (packet) =>
        opened.value.send(encodeRmcp("ipmi", packet), to),
      );
      pending = waiting;
      return ok(await waiting.answer);
    },
    send(packet) {
      socket?.send(encodeRmcp("ipmi", packet), to);
    },
    close,
    end() {
      ended = true;
      close();
    },
  };
}

interface Waiting<T> {
  readonly answer: Promise<T | undefined>;
  take(body: Uint8Array): void;
  giveUp(): void;
}

function startWaiting<T>(
  clock: Clock,
  exchange: Exchange<T>,
  send: (packet: Uint8Array) => void,
): Waiting<T> {
  const waits = exchange.waitsMs.values();
  const { promise, resolve } = Promise.withResolvers<T | undefined>();
  let timer: Timer | undefined;
  const finish = (answer: T | undefined): void => {
    timer?.cancel();
    resolve(answer);
  };
  const transmit = (): void => {
    const wait = waits.next();
    if (wait.done === true || exchange.mayTransmit?.() === false) {
      finish(undefined);
      return;
    }
    timer = clock.timer(wait.value, transmit);
    send(exchange.packet());
  };
  transmit();
  return {
    answer: promise,
    take(body) {
      const answer = exchange.match(body);
      if (answer !== undefined) finish(answer);
    },
    giveUp: () => finish(undefined),
  };
}

function isIpAddress(host: string): boolean {
  return host.includes(":") || /^[0-9.]+$/.test(host);
}
