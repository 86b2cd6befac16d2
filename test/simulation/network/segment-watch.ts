// What there is to see on a boot network: offers that name a boot file, what servers gave to whom, and everything in
// the clear for the scanner of leaks. Changes nothing.
import { macFromBytes } from "../../../shared/mac.ts";
import { decodeDhcp } from "../../../shared/wire/dhcp/dhcp-packet.ts";
import { readAddress, readText } from "../../../shared/wire/dhcp/dhcp-values.ts";
import { dhcpOption } from "../../../shared/wire/dhcp/dhcp.table.ts";
import type { HttpRequest, ServerResponse, UdpAddress } from "../../../site-agent/ports.ts";
import type { Happened } from "../world/events.ts";

/** A planted secret in the text is a leak. */
export type Scan = (sink: string, text: string) => void;

export interface WatchOptions {
  readonly tell: (happened: Happened) => void;
  readonly scan: Scan;
  /** Lower case; undefined: nobody's of the fleet. */
  readonly machineOf: (mac: string) => string | undefined;
}

/** Something that everybody on the segment may hear. */
export type Overheard =
  | { readonly kind: "mac"; readonly mac: string }
  | {
      readonly kind: "http";
      /** As http://10.1.0.1:8080. */
      readonly origin: string;
      readonly path: string;
      /** Of short answers in plain HTTP. */
      readonly text: string | undefined;
    };

export interface Visit {
  readonly request: HttpRequest;
  readonly client: string;
  readonly machine: string | undefined;
}

/** Longer ones are files. */
const shortBytes = 16 * 1024;

export class SegmentWatch {
  readonly #options: WatchOptions;
  readonly #ears = new Set<(heard: Overheard) => void>();

  constructor(options: WatchOptions) {
    this.#options = options;
  }

  /** Returns what ends it. */
  overhear(ear: (heard: Overheard) => void): () => void {
    this.#ears.add(ear);
    return () => void this.#ears.delete(ear);
  }

  datagram(data: Uint8Array, from: UdpAddress, to: UdpAddress): void {
    this.#options.scan("boot network", latin(data));
    if (to.port === 68) this.#reply(data);
    else if (to.port === 67 && from.port === 68 && this.#ears.size > 0) this.#request(data);
  }

  #reply(data: Uint8Array): void {
    const packet = decodeDhcp(data);
    if (!packet.ok || packet.value.op !== "reply") return;
    const { options, siaddr, chaddr } = packet.value;
    const named = readText(options, dhcpOption.bootFile) ?? packet.value.file;
    const file = named.replace(/\0+$/, "");
    const mac = macFromBytes(chaddr);
    if (file === "" || !mac.ok) return;
    const server = readAddress(options, dhcpOption.serverId) ?? siaddr;
    const machine = this.#options.machineOf(mac.value);
    this.#options.tell({ kind: "boot-offer", machine, mac: mac.value, file, server });
  }

  #request(data: Uint8Array): void {
    const packet = decodeDhcp(data);
    const mac = packet.ok ? macFromBytes(packet.value.chaddr) : undefined;
    if (mac?.ok === true) this.#hear({ kind: "mac", mac: mac.value });
  }

  served({ request, client, machine }: Visit, { status, body }: ServerResponse): void {
    const { tell, scan } = this.#options;
    const { origin, protocol, pathname, search } = new URL(request.url);
    tell({ kind: "served", machine, client, path: pathname, status });
    if (protocol !== "http:") return;
    const isShort = body instanceof Uint8Array && body.length <= shortBytes;
    const text = isShort ? latin(body) : undefined;
    scan("boot network", `${pathname}${search}\n${text ?? ""}`);
    this.#hear({ kind: "http", origin, path: pathname, text });
  }

  #hear(heard: Overheard): void {
    for (const ear of this.#ears) ear(heard);
  }
}

function latin(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}
