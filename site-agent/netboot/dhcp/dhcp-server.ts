// The DHCP server's sockets: decodes what comes, carries out the plan, records and logs. Two
// sockets, because one on 0.0.0.0 hears broadcasts and cannot say by which NIC an answer leaves,
// and one on the NIC's address sends by that NIC and hears no broadcasts.

import { ok } from "../../../shared/result.ts";
import type { Result } from "../../../shared/result.ts";
import { decodeDhcp, encodeDhcp } from "../../../shared/wire/dhcp/dhcp-packet.ts";
import type { Log, Udp, UdpOptions, UdpSocket } from "../../ports.ts";
import { planDhcp } from "./dhcp-plan.ts";
import type { DhcpContext, DhcpPlan } from "./dhcp-plan.ts";
import type { Sightings } from "../sightings.ts";

export type BindError = "in-use" | "denied" | "unsupported";

export interface DhcpServerOptions {
  readonly udp: Udp;
  readonly log: Log;
  readonly sightings: Sightings;
  readonly context: DhcpContext;
}

const serverPort = 67;

/** Starts to listen. The result's `stop` closes both sockets. */
export async function startDhcpServer(
  options: DhcpServerOptions,
): Promise<Result<{ stop(): void }, BindError>> {
  const { udp, log, context } = options;
  const { address, interface: device } = context.config;
  const sockets: UdpSocket[] = [];
  const onMessage = (data: Uint8Array): void => {
    const packet = decodeDhcp(data);
    if (!packet.ok) return; // Anything may come on a broadcast port; it is no news.
    const plan = planDhcp(packet.value, context);
    note(plan, options);
    if (plan.kind !== "known" || plan.answer === undefined) return;
    sockets[0]?.send(encodeDhcp(plan.answer.packet), plan.answer.to);
  };
  const bind = { port: serverPort, reuseAddress: true, broadcast: true, onMessage };
  const stop = (): void => {
    for (const socket of sockets.splice(0)) socket.close();
  };
  // Renewals come by unicast, and the kernel gives those to the socket with the address.
  const sending = await udp.bind({ ...bind, address });
  if (!sending.ok) return sending;
  sockets.push(sending.value);
  const hearing = await bindToDevice(udp, { ...bind, address: "0.0.0.0" }, device);
  if (!hearing.ok) {
    stop();
    return hearing;
  }
  sockets.push(hearing.value.socket);
  if (device !== undefined && !hearing.value.onDevice) {
    log.warn("dhcp listens on every interface: this program cannot bind to one", { device });
  }
  return ok({ stop });
}

async function bindToDevice(
  udp: Udp,
  options: UdpOptions,
  device: string | undefined,
): Promise<Result<{ socket: UdpSocket; onDevice: boolean }, BindError>> {
  if (device !== undefined) {
    const bound = await udp.bind({ ...options, device });
    if (bound.ok) return ok({ socket: bound.value, onDevice: true });
    if (bound.error.kind !== "unsupported") return bound;
  }
  const bound = await udp.bind(options);
  return bound.ok ? ok({ socket: bound.value, onDevice: false }) : bound;
}

function note(plan: DhcpPlan, { log, sightings, context }: DhcpServerOptions): void {
  if (plan.kind === "silence") return;
  if (plan.kind === "stranger") {
    const { mac, client } = plan;
    if (sightings.recordStranger(mac)) log.info("unknown machine wants to boot", { mac, client });
    return;
  }
  for (const { kind, detail } of plan.seen) sightings.record(plan.mac, kind, detail);
  const { mac, because } = plan;
  const operationId = context.entryOf(mac)?.operationId;
  const address = plan.answer?.packet.yiaddr;
  const fields = { mac, operationId, because, address };
  if (plan.answer !== undefined) log.info("dhcp answered", fields);
  else if (plan.seen.length === 0) log.info("dhcp needs no answer", fields);
  else log.warn("dhcp cannot answer", fields);
}
