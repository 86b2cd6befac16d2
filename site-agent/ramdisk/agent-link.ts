// The connection to the agent: dials, says hello, dials again for as long as the program runs. Knows no steps.
import { ramdiskPath, ramdiskSubprotocol, toRamdisk } from "../../shared/protocol/ramdisk.ts";
import type { FromRamdisk, MachineIdentity, ToRamdisk } from "../../shared/protocol/ramdisk.ts";
import type { Duplex } from "../ports.ts";
import { readText } from "./inventory/read-text.ts";
import type { RamdiskPorts } from "./ports.ts";
import type { BootParameters } from "./step.ts";

const connectMs = 10_000;
/** The agent pings every 10 s, and gives a silent ramdisk up after 45 s: be back before that. */
const silenceMs = 25_000;
const firstPauseMs = 500;
const longestPauseMs = 15_000;
const pong = JSON.stringify({ type: "pong" } satisfies FromRamdisk);

export interface AgentLink {
  /** False when there is no connection: the message is gone. */
  send(message: FromRamdisk): boolean;
  /** Returns when `signal` is aborted. */
  run(signal: AbortSignal): Promise<void>;
}

export interface LinkOptions {
  readonly ports: Pick<RamdiskPorts, "clock" | "crypto" | "duplexes" | "system" | "log">;
  readonly boot: BootParameters;
  /** The same at each hello, or the agent takes us for another machine. */
  readonly identity: MachineIdentity;
  readonly onMessage: (message: Exclude<ToRamdisk, { type: "ping" }>) => void;
  /** False once the machine leaves: the agent has closed the session for good. */
  readonly mayRedial: () => boolean;
}

export function makeAgentLink(options: LinkOptions): AgentLink {
  const { clock, crypto, log } = options.ports;
  let current: Duplex | undefined;
  const send = (message: FromRamdisk): boolean => current?.send(JSON.stringify(message)) ?? false;

  const serve = async (duplex: Duplex, signal: AbortSignal): Promise<void> => {
    let heardAtMs = clock.monotonicMs();
    const closed = new AbortController();
    duplex.onClose((code, reason) => {
      log.info("disconnected from the agent", { code, reason });
      closed.abort();
    });
    duplex.onMessage((text) => {
      heardAtMs = clock.monotonicMs();
      const message = readMessage(text);
      if (message === undefined) duplex.close(1008, "message not understood");
      else if (message.type === "ping") duplex.send(pong);
      else options.onMessage(message);
    });
    const hello = await makeHello(options);
    // Nothing of a running step may get there before the hello.
    duplex.send(JSON.stringify(hello));
    current = duplex;
    const ended = AbortSignal.any([closed.signal, signal]);
    while (!ended.aborted) {
      const leftMs = heardAtMs + silenceMs - clock.monotonicMs();
      if (leftMs <= 0) break;
      await clock.sleep(leftMs, ended);
    }
    current = undefined;
    duplex.close(1001, "silence or end");
  };

  return {
    send,
    async run(signal) {
      for (let tries = 0; !signal.aborted && options.mayRedial(); tries += 1) {
        const connected = await dial(options);
        if (connected.ok) {
          const startedAtMs = clock.monotonicMs();
          await serve(connected.value, signal);
          // A connection that is closed at once is no success.
          if (clock.monotonicMs() - startedAtMs > silenceMs) tries = 0;
        } else {
          log.warn("cannot connect to the agent", { reason: connected.error.message });
        }
        const limitMs = Math.min(firstPauseMs * 2 ** tries, longestPauseMs);
        await clock.sleep(jitter(crypto.randomBytes(2)) * limitMs, signal);
      }
    },
  };
}

function dial({ ports, boot }: LinkOptions) {
  return ports.duplexes.connect({
    url: `${boot.agentUrl.replace(/^https:/, "wss:")}${ramdiskPath}`,
    protocol: ramdiskSubprotocol,
    headers: { authorization: `Bearer ${boot.bootToken}` },
    fingerprint: boot.fingerprint,
    timeoutMs: connectMs,
  });
}

async function makeHello({ ports, boot, identity }: LinkOptions): Promise<FromRamdisk> {
  const uptime = await readText(ports.system, "/proc/uptime");
  return {
    type: "hello",
    version: 1,
    bootMac: boot.bootMac,
    identity,
    uptimeSeconds: Number(uptime?.split(" ", 1)[0] ?? 0),
  };
}

function readMessage(text: string): ToRamdisk | undefined {
  try {
    const parsed = toRamdisk.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : undefined;
  } catch {
    return undefined;
  }
}

/** From 0 to 1. */
function jitter([high = 0, low = 0]: Uint8Array): number {
  return (high * 256 + low) / 65536;
}
