// What the firmware of a simulated machine and the iPXE that it loads do on a boot network: DHCP, the boot loader
// by TFTP, DHCP again as iPXE, the script by HTTP, kernel and initrds. Judges every answer as a plain client would.
import { ok, err } from "../../shared/result.ts";
import type { Result } from "../../shared/result.ts";
import { decodeDhcp, encodeDhcp } from "../../shared/wire/dhcp/dhcp-packet.ts";
import type { DhcpPacket } from "../../shared/wire/dhcp/dhcp-packet.ts";
import {
  addressValue,
  readAddress,
  readMessageType,
  readText,
  textValue,
} from "../../shared/wire/dhcp/dhcp-values.ts";
import { dhcpMessageType, dhcpOption } from "../../shared/wire/dhcp/dhcp.table.ts";
import { decodeTftp, encodeTftp } from "../../shared/wire/tftp/tftp-packet.ts";
import type { TftpPacket } from "../../shared/wire/tftp/tftp-packet.ts";
import type { Clock, HttpClient, Udp, UdpAddress } from "../../site-agent/ports.ts";

/** A network port with a cable in it; `address` is set by DHCP. */
export interface Nic {
  address: string;
  readonly udp: Udp;
  readonly http: HttpClient;
}

export interface NetworkBootOptions {
  readonly nic: Nic;
  readonly clock: Clock;
  /** Lower case, colons. */
  readonly mac: string;
  readonly firmware: "BIOS" | "UEFI";
  /** What was got, for people. */
  readonly onStep: (step: string) => void;
}

/** What iPXE would start. */
export interface NetworkBoot {
  readonly commandLine: string;
  readonly kernelBytes: number;
  readonly initrdBytes: number;
}

const answerMs = 4_000;
const tries = 3;
const transferMs = 60_000;

/** The error says what did not come. */
export async function bootFromNetwork(
  options: NetworkBootOptions,
): Promise<Result<NetworkBoot, "no-boot">> {
  const { nic, onStep } = options;
  const rom = await lease(options, "firmware");
  if (rom === undefined) return err("no-boot", "no DHCP answer");
  const loader = await readByTftp(options, {
    server: rom.siaddr,
    file: (readText(rom.options, dhcpOption.bootFile) ?? rom.file).replace(/\0+$/, ""),
  });
  if (!loader.ok) return loader;
  const ipxe = await lease(options, "ipxe");
  const scriptUrl = ipxe === undefined ? "" : (readText(ipxe.options, dhcpOption.bootFile) ?? "");
  const script = await get(nic.http, scriptUrl);
  if (!script.ok) return script;
  onStep(`script ${new URL(scriptUrl).pathname}`);
  return await load(options, new TextDecoder().decode(script.value));
}

async function load(
  { nic, onStep }: NetworkBootOptions,
  script: string,
): Promise<Result<NetworkBoot, "no-boot">> {
  const kernel = /^kernel (?:--name \S+ )?(\S+)(.*?)(?: \|\| .*)?$/m.exec(script);
  const [, kernelUrl = "", commandLine = ""] = kernel ?? [];
  if (!script.startsWith("#!ipxe\n") || kernelUrl === "") {
    return err("no-boot", "the script is not one that iPXE starts a kernel from");
  }
  const initrds = [...script.matchAll(/^initrd (?:--name \S+ )?(\S+)/gm)];
  let initrdBytes = 0;
  const kernelFile = await get(nic.http, kernelUrl);
  if (!kernelFile.ok) return kernelFile;
  for (const [, url = ""] of initrds) {
    const file = await get(nic.http, url);
    if (!file.ok) return file;
    initrdBytes += file.value.length;
  }
  onStep(`kernel and ${initrds.length} initrds`);
  const kernelBytes = kernelFile.value.length;
  return ok({ commandLine: commandLine.trim(), kernelBytes, initrdBytes });
}

async function get(http: HttpClient, url: string): Promise<Result<Uint8Array, "no-boot">> {
  if (!URL.canParse(url)) return err("no-boot", `nothing to fetch: "${url}"`);
  const response = await http.request({ method: "GET", url, timeoutMs: transferMs });
  if (!response.ok) return err("no-boot", `GET ${url}: ${response.error.message}`);
  if (response.value.status !== 200) {
    return err("no-boot", `GET ${url}: status ${response.value.status}`);
  }
  const chunks: Uint8Array[] = [];
  for await (const chunk of response.value.body) {
    if (!chunk.ok) return err("no-boot", `GET ${url}: ${chunk.error.message}`);
    chunks.push(chunk.value);
  }
  return ok(new Uint8Array(Buffer.concat(chunks)));
}

type Client = "firmware" | "ipxe";

/** DISCOVER to ACK (RFC 2131 section 3.1). The NIC has the address afterwards. */
async function lease(options: NetworkBootOptions, client: Client): Promise<DhcpPacket | undefined> {
  const { nic, clock, onStep } = options;
  const mailbox = makeMailbox<DhcpPacket>(clock);
  const bound = await nic.udp.bind({
    address: "0.0.0.0",
    port: 68,
    broadcast: true,
    onMessage(data) {
      const packet = decodeDhcp(data);
      if (packet.ok && packet.value.op === "reply") mailbox.put(packet.value);
    },
  });
  if (!bound.ok) return undefined;
  const ask = async (request: DhcpPacket, wanted: string): Promise<DhcpPacket | undefined> => {
    for (let left = tries; left > 0; left -= 1) {
      bound.value.send(encodeDhcp(request), { address: "255.255.255.255", port: 67 });
      const answer = await mailbox.next(answerMs, (packet) => isAnswer(packet, request, wanted));
      if (answer !== undefined) return answer;
    }
    return undefined;
  };
  const discover = makeRequest(options, client, new Map());
  const offer = await ask(discover, "offer");
  const server = offer === undefined ? undefined : readAddress(offer.options, dhcpOption.serverId);
  const ack =
    offer === undefined || server === undefined
      ? undefined
      : await ask(
          makeRequest(
            options,
            client,
            new Map([
              [dhcpOption.requestedAddress, addressValue(offer.yiaddr)],
              [dhcpOption.serverId, addressValue(server)],
            ]),
          ),
          "ack",
        );
  bound.value.close();
  if (ack === undefined) return undefined;
  nic.address = ack.yiaddr;
  onStep(`DHCP as ${client}: ${ack.yiaddr}`);
  return ack;
}

function isAnswer(packet: DhcpPacket, request: DhcpPacket, wanted: string): boolean {
  const isOurs = packet.xid === request.xid && Buffer.compare(packet.chaddr, request.chaddr) === 0;
  return isOurs && readMessageType(packet.options) === wanted;
}

/** RFC 4578 for firmware; iPXE says its name in the user class. */
function makeRequest(
  { mac, firmware }: NetworkBootOptions,
  client: Client,
  chosen: ReadonlyMap<number, Uint8Array>,
): DhcpPacket {
  const chaddr = Uint8Array.from(Buffer.from(mac.replaceAll(":", ""), "hex"));
  const arch = firmware === "UEFI" ? 7 : 0;
  const type = chosen.size === 0 ? dhcpMessageType.discover : dhcpMessageType.request;
  const none = "0.0.0.0";
  const vendorClass = `PXEClient:Arch:${String(arch).padStart(5, "0")}:UNDI:003000`;
  return {
    op: "request",
    htype: 1,
    hops: 0,
    xid: new DataView(chaddr.buffer).getUint32(2) ^ (client === "ipxe" ? 1 : 0),
    secs: 0,
    broadcast: true,
    ciaddr: none,
    yiaddr: none,
    siaddr: none,
    giaddr: none,
    chaddr,
    sname: "",
    file: "",
    options: new Map([
      [dhcpOption.messageType, Uint8Array.of(type)],
      [dhcpOption.vendorClass, textValue(vendorClass)],
      [dhcpOption.clientArch, Uint8Array.of(0, arch)],
      ...(client === "ipxe" ? ([[dhcpOption.userClass, textValue("iPXE")]] as const) : []),
      ...chosen,
    ]),
  };
}

/** RFC 1350 with blksize of RFC 2348. */
async function readByTftp(
  { nic, clock, onStep }: NetworkBootOptions,
  { server, file }: { readonly server: string; readonly file: string },
): Promise<Result<Uint8Array, "no-boot">> {
  const mailbox = makeMailbox<{ packet: TftpPacket; from: UdpAddress }>(clock);
  const bound = await nic.udp.bind({
    address: "0.0.0.0",
    port: 0,
    onMessage(data, from) {
      const packet = decodeTftp(data);
      if (packet.ok) mailbox.put({ packet: packet.value, from });
    },
  });
  if (!bound.ok) return err("no-boot", bound.error.message);
  const asked = new Map([["blksize", "1468"]]);
  let last: { readonly packet: TftpPacket; readonly to: UdpAddress } = {
    packet: { kind: "read", file, mode: "octet", options: asked },
    to: { address: server, port: 69 },
  };
  const send = (): void => bound.value.send(encodeTftp(last.packet), last.to);
  send();
  const transfer = new TftpTransfer(`TFTP of "${file}" from ${server}`);
  for (let left = tries; transfer.result === undefined;) {
    const got = await mailbox.next(answerMs, () => true);
    if (got === undefined) left -= 1;
    const isLost = got === undefined && left > 0;
    const ack = isLost ? undefined : transfer.take(got?.packet);
    if (ack !== undefined && got !== undefined) {
      last = { packet: ack, to: got.from };
      left = tries;
    }
    if (ack !== undefined || isLost) send();
  }
  bound.value.close();
  if (transfer.result.ok) onStep(`TFTP ${file}`);
  return transfer.result;
}

class TftpTransfer {
  result: Result<Uint8Array, "no-boot"> | undefined;
  readonly #what: string;
  readonly #chunks: Uint8Array[] = [];
  #blockBytes = 512;

  constructor(what: string) {
    this.#what = what;
  }

  /** What to answer. No packet at all ends it, as an error does. */
  take(packet: TftpPacket | undefined): TftpPacket | undefined {
    if (packet?.kind === "oack") {
      this.#blockBytes = Number(packet.options.get("blksize") ?? this.#blockBytes);
      return { kind: "ack", block: 0 };
    }
    if (packet?.kind !== "data") {
      const why = packet?.kind === "error" ? packet.message : "no answer";
      this.result = err("no-boot", `${this.#what}: ${why}`);
      return undefined;
    }
    // The answer to the last one was lost.
    if (packet.block === this.#chunks.length) return { kind: "ack", block: packet.block };
    if (packet.block !== this.#chunks.length + 1) return undefined;
    this.#chunks.push(packet.data);
    if (packet.data.length < this.#blockBytes) {
      this.result = ok(new Uint8Array(Buffer.concat(this.#chunks)));
    }
    return { kind: "ack", block: packet.block };
  }
}

interface Mailbox<T> {
  put(item: T): void;
  /** The next one that is wanted; others are dropped. Undefined when none comes in time. */
  next(withinMs: number, isWanted: (item: T) => boolean): Promise<T | undefined>;
}

function makeMailbox<T>(clock: Clock): Mailbox<T> {
  const held: T[] = [];
  let take: ((item: T) => void) | undefined;
  return {
    put(item) {
      if (take === undefined) held.push(item);
      else take(item);
    },
    next(withinMs, isWanted) {
      return new Promise((resolve) => {
        const settle = (item: T | undefined): void => {
          take = undefined;
          timer.cancel();
          resolve(item);
        };
        const timer = clock.timer(withinMs, () => settle(undefined));
        take = (item) => {
          if (isWanted(item)) settle(item);
        };
        while (held.length > 0 && take !== undefined) take(held.shift()!);
      });
    },
  };
}
