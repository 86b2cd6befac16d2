// UDP between programs in one process: datagrams arrive at once, in order, and are written down.
import { err, ok } from "../../../shared/result.ts";
import type { Udp, UdpAddress, UdpOptions } from "../../../site-agent/ports.ts";

interface Datagram {
  readonly from: UdpAddress;
  readonly to: UdpAddress;
  readonly data: Uint8Array;
}

export interface VirtualNetwork extends Udp {
  /** All that was sent, also to nobody. */
  readonly datagrams: Datagram[];
  /** Sockets that are open. */
  readonly socketCount: number;
}

/** Sockets on the wildcard address live at `ownAddress`. */
export function makeVirtualNetwork(ownAddress = "192.0.2.1"): VirtualNetwork {
  const sockets = new Map<string, UdpOptions>();
  const datagrams: Datagram[] = [];
  let nextPort = 40_000;
  return {
    datagrams,
    get socketCount() {
      return sockets.size;
    },
    async bind(options) {
      const wildcard = options.address === "0.0.0.0" || options.address === "::";
      const local = {
        address: wildcard ? ownAddress : options.address,
        port: options.port === 0 ? nextPort++ : options.port,
      };
      if (sockets.has(key(local))) return err("in-use", `${key(local)} is taken`);
      sockets.set(key(local), options);
      return ok({
        local,
        send(data, to) {
          datagrams.push({ from: local, to, data });
          void Promise.resolve().then(() => sockets.get(key(to))?.onMessage(data, local));
        },
        close: () => void sockets.delete(key(local)),
      });
    },
  };
}

function key({ address, port }: UdpAddress): string {
  return `${address} ${port}`;
}
