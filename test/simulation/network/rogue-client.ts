// A box on a boot network that is nobody's host: listens to what passes in the clear, and asks for all of it itself, by
// DHCP, TFTP, HTTP and over the ramdisk's WebSocket with tokens that it has heard. It lies about nothing but that it
// may have these things. Whatever it is given is told as "served" without a machine.
import { encodeDhcp } from "../../../shared/wire/dhcp/dhcp-packet.ts";
import type { DhcpPacket } from "../../../shared/wire/dhcp/dhcp-packet.ts";
import { textValue } from "../../../shared/wire/dhcp/dhcp-values.ts";
import { dhcpMessageType, dhcpOption } from "../../../shared/wire/dhcp/dhcp.table.ts";
import { decodeTftp, encodeTftp } from "../../../shared/wire/tftp/tftp-packet.ts";
import type { UdpSocket } from "../../../site-agent/ports.ts";
import type { Random } from "../kernel/random.ts";
import type { Happened } from "../world/events.ts";
import type { Segment, SegmentNode } from "./segment.ts";
import type { Overheard } from "./segment-watch.ts";

export interface RogueClientOptions {
  readonly segment: Segment;
  /** On the segment, as "10.1.66.66". */
  readonly address: string;
  readonly tell: (happened: Happened) => void;
}

const mac = "66:66:66:66:66:66";
const roundMs = { from: 500, to: 4_000 };
const asksPerRound = 3;
const bootNames = ["script.ipxe", "bootloader.efi", "kernel", "initrd-0", "initrd-1"];
const bootLoaders = ["undionly.kpxe", "snponly.efi"];
const timeoutMs = 5_000;
/** Whoever is taken for a ramdisk is spoken to sooner than that; an agent that stands still says nothing. */
const admittedMs = 15_000;

/** Returns what ends it. */
export function startRogueClient(options: RogueClientOptions): () => void {
  const client = new RogueClient(options);
  void client.run();
  return () => client.stop();
}

class RogueClient {
  readonly #options: RogueClientOptions;
  readonly #random: Random;
  readonly #node: SegmentNode;
  readonly #known = makeKnowledge();
  readonly #stopListening: () => void;
  #isRunning = true;

  constructor(options: RogueClientOptions) {
    const { segment, address } = options;
    this.#options = options;
    this.#random = segment.random.split("what the rogue client does");
    this.#node = segment.join(address, { name: "rogue client" });
    this.#stopListening = segment.watch.overhear((heard) => this.#known.add(heard));
  }

  async run(): Promise<void> {
    const { kernel } = this.#options.segment;
    const dhcp = await this.#bindDhcp();
    while (this.#isRunning) {
      await kernel.sleep(this.#random.between(roundMs.from, roundMs.to));
      if (!this.#isRunning) return;
      dhcp?.send(discover(this.#random), { address: "255.255.255.255", port: 67 });
      for (let left = asksPerRound; left > 0; left -= 1) void this.#ask();
    }
  }

  stop(): void {
    this.#isRunning = false;
    this.#stopListening();
    this.#node.leave(true);
  }

  /** The segment itself tells of what it is offered. */
  async #bindDhcp(): Promise<UdpSocket | undefined> {
    const bound = await this.#node.udp.bind({ address: "0.0.0.0", port: 68, onMessage() {} });
    return bound.ok ? bound.value : undefined;
  }

  #ask(): Promise<void> {
    const { agent, origins } = this.#known;
    const draw = this.#random.below(10);
    if (draw < 2 && origins.size > 0) return this.#readByTftp();
    if (draw < 4 && agent !== undefined) return this.#getExtents(agent);
    if (draw < 5 && agent !== undefined) return this.#beRamdisk(agent);
    return this.#getPath();
  }

  async #getPath(): Promise<void> {
    const { origins, paths, macs } = this.#known;
    const guessed = [...macs].flatMap((each) =>
      bootNames.map((name) => `/boot/${each.replaceAll(":", "-")}/${name}`),
    );
    const all = [...new Set([...paths, ...guessed])].toSorted();
    const servers = [...origins].toSorted();
    if (all.length === 0 || servers.length === 0) return;
    const url = `${this.#random.pick(servers)}${this.#random.pick(all)}`;
    const answered = await this.#node.http.request({ method: "GET", url, timeoutMs });
    if (!answered.ok) return;
    // Reads it: what is never pulled was not given.
    for await (const chunk of answered.value.body) if (!chunk.ok) return;
  }

  async #getExtents({ url, fingerprint }: KnownAgent): Promise<void> {
    const tokens = [...this.#known.tokens].toSorted();
    if (tokens.length === 0) return;
    const headers = { authorization: `Bearer ${this.#random.pick(tokens)}` };
    const to = `${url}/extents`;
    const ask = { method: "GET", url: to, headers, fingerprint, timeoutMs } as const;
    const answered = await this.#node.http.request(ask);
    if (answered.ok) for await (const chunk of answered.value.body) if (!chunk.ok) return;
  }

  async #beRamdisk({ url, fingerprint }: KnownAgent): Promise<void> {
    const { tell, segment, address } = this.#options;
    const tokens = [...this.#known.tokens].toSorted();
    if (tokens.length === 0) return;
    const path = "/ramdisk/v1";
    const opened = await this.#node.duplexes.connect({
      url: `${url.replace(/^http/, "ws")}${path}`,
      protocol: "farrier.ramdisk.v1",
      headers: { authorization: `Bearer ${this.#random.pick(tokens)}` },
      fingerprint,
      timeoutMs,
    });
    if (!opened.ok) return;
    const duplex = opened.value;
    let status: number | undefined;
    const end = (is: number): void => {
      if (status !== undefined) return;
      status = is;
      timer.cancel();
      tell({ kind: "served", machine: undefined, client: address, path, status });
      duplex.close(1000, "");
    };
    const timer = segment.kernel.timer(admittedMs, () => end(408));
    duplex.onMessage(() => end(200));
    duplex.onClose(() => end(403));
    const identity = { serialNumber: "nobody's", macs: [mac] };
    const hello = { type: "hello", version: 1, bootMac: mac, identity, uptimeSeconds: 60 };
    duplex.send(JSON.stringify(hello));
  }

  /** Says so when a byte of the file comes. */
  async #readByTftp(): Promise<void> {
    const { tell, segment, address: client } = this.#options;
    const server = new URL([...this.#known.origins].toSorted()[0] ?? "").hostname;
    const file = this.#random.pick(bootLoaders);
    const bound = await this.#node.udp.bind({
      address: "0.0.0.0",
      port: 0,
      onMessage(data) {
        const packet = decodeTftp(data);
        const isGiven = packet.ok && (packet.value.kind === "data" || packet.value.kind === "oack");
        const status = isGiven ? 200 : 404;
        tell({ kind: "served", machine: undefined, client, path: `tftp/${file}`, status });
        if (bound.ok) bound.value.close();
      },
    });
    if (!bound.ok) return;
    const read = encodeTftp({ kind: "read", file, mode: "octet", options: new Map() });
    bound.value.send(read, { address: server, port: 69 });
    segment.kernel.timer(timeoutMs, () => bound.value.close());
  }
}

interface KnownAgent {
  readonly url: string;
  readonly fingerprint: string;
}

function makeKnowledge() {
  const known = {
    macs: new Set<string>(),
    origins: new Set<string>(),
    paths: new Set<string>(),
    tokens: new Set<string>(),
    agent: undefined as KnownAgent | undefined,
    add(heard: Overheard): void {
      if (heard.kind === "mac") {
        if (heard.mac !== mac) known.macs.add(heard.mac);
        return;
      }
      known.origins.add(heard.origin);
      known.paths.add(heard.path);
      const text = heard.text ?? "";
      const token = /\bfarrier\.token=([0-9a-f]{64})\b/.exec(text)?.[1];
      if (token !== undefined) known.tokens.add(token);
      const url = /\bfarrier\.agent=(\S+)/.exec(text)?.[1];
      const fingerprint = /\bfarrier\.fingerprint=([0-9a-f]{64})/.exec(text)?.[1];
      if (url !== undefined && fingerprint !== undefined) known.agent = { url, fingerprint };
    },
  };
  return known;
}

/** As a PXE ROM sends it. */
function discover(random: Random): Uint8Array {
  const none = "0.0.0.0";
  const packet: DhcpPacket = {
    op: "request",
    htype: 1,
    hops: 0,
    xid: random.next(),
    secs: 0,
    broadcast: true,
    ciaddr: none,
    yiaddr: none,
    siaddr: none,
    giaddr: none,
    chaddr: Uint8Array.from(Buffer.from(mac.replaceAll(":", ""), "hex")),
    sname: "",
    file: "",
    options: new Map([
      [dhcpOption.messageType, Uint8Array.of(dhcpMessageType.discover)],
      [dhcpOption.vendorClass, textValue("PXEClient:Arch:00007:UNDI:003000")],
      [dhcpOption.clientArch, Uint8Array.of(0, 7)],
    ]),
  };
  return encodeDhcp(packet);
}
