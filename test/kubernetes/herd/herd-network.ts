// One cable into a site's network for many machines in memory: each has the address that it was given by DHCP, and
// all share the port of DHCP clients. Sockets are real; the adapters that real machines use stand behind them.
import { execFile, execFileSync } from "node:child_process";
import { request as requestHttp, type IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { err, ok, type Result } from "../../../shared/result.ts";
import { makeNodeDuplexClient } from "../../../site-agent/adapters/node-duplex-client.ts";
import { makeNodeHttpClient } from "../../../site-agent/adapters/node-http-client.ts";
import { makeNodeUdp } from "../../../site-agent/adapters/node-udp.ts";
import type {
  HttpClient,
  HttpError,
  HttpRequest,
  HttpResponse,
  Udp,
  UdpOptions,
  UdpSocket,
} from "../../../site-agent/ports.ts";
import type { PluggedNic } from "../../support/simulated-machine.ts";
import { herdInterface, type HerdPlan } from "./herd-plan.ts";

const dhcpClientPort = 68;
const none = "0.0.0.0";
/** A step to write brings its config drive along. */
const messageBytes = 16 * 1024 * 1024;

/** Returns a plug for machines. Waits for the cable, which somebody outside puts in. */
export async function joinNetwork(plan: HerdPlan): Promise<() => PluggedNic> {
  const run = promisify(execFile);
  while (!(await run("ip", ["link", "show", herdInterface]).catch(() => undefined)))
    await sleep(20);
  for (const command of [
    "link set lo up",
    `link set ${herdInterface} up`,
    `address add ${plan.address}/${plan.prefixLength} dev ${herdInterface}`,
    `route add 255.255.255.255 dev ${herdInterface}`,
  ]) {
    await run("ip", command.split(" "));
  }
  const dhcp = await shareDhcpPort();
  return () => plug(dhcp);
}

type Hear = (...message: Parameters<UdpOptions["onMessage"]>) => void;

interface SharedPort {
  readonly socket: UdpSocket;
  readonly listeners: Set<Hear>;
}

async function shareDhcpPort(): Promise<SharedPort> {
  const listeners = new Set<Hear>();
  const bound = await makeNodeUdp().bind({
    address: none,
    port: dhcpClientPort,
    broadcast: true,
    onMessage(data, from) {
      for (const hear of listeners) hear(data, from);
    },
  });
  if (!bound.ok) throw new Error(bound.error.message);
  return { socket: bound.value, listeners };
}

function plug(dhcp: SharedPort): PluggedNic {
  let address = none;
  const drop = () => {
    if (address !== none) ip("del", address);
    address = none;
  };
  return {
    get address() {
      return address;
    },
    set address(given) {
      if (given === address) return;
      drop();
      if (given !== none) ip("add", given);
      address = given;
    },
    udp: udpFrom(() => address, dhcp),
    http: httpFrom(() => address),
    duplexes: makeNodeDuplexClient({
      maxMessageBytes: messageBytes,
      maxBufferedBytes: messageBytes,
    }),
    leave: drop,
  };
}

// At once, as the machine goes on with it: it is the setter of a field.
function ip(action: "add" | "del", address: string): void {
  execFileSync("ip", ["address", action, `${address}/32`, "dev", herdInterface]);
}

function udpFrom(address: () => string, dhcp: SharedPort): Udp {
  return {
    async bind(options) {
      if (options.port !== dhcpClientPort) {
        return await makeNodeUdp().bind({ ...options, address: address() });
      }
      const { socket, listeners } = dhcp;
      const hear: Hear = (data, from) => options.onMessage(data, from);
      listeners.add(hear);
      return ok({
        local: socket.local,
        send: (data, to) => socket.send(data, to),
        close: () => void listeners.delete(hear),
      });
    },
  };
}

/** Boot files are given to the machine's own address only; what goes by TLS is known by its tokens. */
function httpFrom(address: () => string): HttpClient {
  const secure = makeNodeHttpClient();
  return {
    request: (request) =>
      request.url.startsWith("http:") ? plainRequest(request, address()) : secure.request(request),
  };
}

function plainRequest(
  { url, method, timeoutMs }: HttpRequest,
  localAddress: string,
): Promise<Result<HttpResponse, HttpError>> {
  return new Promise((resolve) => {
    const sent = requestHttp(url, { method, localAddress, agent: false, timeout: timeoutMs });
    sent.once("response", (response) =>
      resolve(ok({ status: response.statusCode ?? 0, headers: {}, body: chunksOf(response) })),
    );
    sent.once("timeout", () => sent.destroy(new Error("no answer in time")));
    sent.on("error", (cause) => resolve(err("unreachable", cause.message)));
    sent.end();
  });
}

async function* chunksOf(response: IncomingMessage): AsyncGenerator<Result<Uint8Array, HttpError>> {
  try {
    for await (const chunk of response) yield ok(chunk as Uint8Array);
  } catch (cause) {
    yield err("truncated", (cause as Error).message);
  }
}
