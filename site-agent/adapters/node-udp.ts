// The Udp port on Node. It cannot bind to an interface (SO_BINDTODEVICE): Node has no way to set it.
import type { Socket } from "node:dgram";
import { createSocket } from "node:dgram";
import { err, ok } from "../../shared/result.ts";
import type { Udp, UdpOptions, UdpSocket } from "../ports.ts";

/** Names are looked up at each send: IPv4 for a socket on an IPv4 address, IPv6 otherwise. */
export function makeNodeUdp(): Udp {
  return {
    async bind(options) {
      if (options.device !== undefined) {
        return err("unsupported", "Node cannot bind a socket to an interface");
      }
      const socket = createSocket({
        type: options.address.includes(":") ? "udp6" : "udp4",
        reuseAddr: options.reuseAddress ?? false,
      });
      socket.on("message", (data, from) =>
        options.onMessage(data, { address: from.address, port: from.port }),
      );
      const failure = await bound(socket, options);
      if (failure === undefined) {
        // A datagram that cannot be sent is a lost datagram: who sends, waits for an answer.
        socket.on("error", () => {});
        if (options.broadcast === true) socket.setBroadcast(true);
        return ok(wrap(socket));
      }
      socket.close();
      const where = `${options.address} port ${options.port}`;
      return failure === "EADDRINUSE"
        ? err("in-use", `UDP ${where} is taken; stop the other program or choose another port`)
        : err("denied", `Cannot bind UDP ${where}: ${failure}`);
    },
  };
}

/** Undefined when bound, else the error code. */
function bound(socket: Socket, options: UdpOptions): Promise<string | undefined> {
  return new Promise((resolve) => {
    const fail = (error: NodeJS.ErrnoException): void => resolve(error.code ?? error.message);
    socket.once("error", fail);
    socket.bind({ address: options.address, port: options.port, exclusive: true }, () => {
      socket.removeListener("error", fail);
      resolve(undefined);
    });
  });
}

function wrap(socket: Socket): UdpSocket {
  let open = true;
  let sending = 0;
  const { address, port } = socket.address();
  const closeWhenSent = (): void => {
    if (!open && sending === 0) socket.close();
  };
  return {
    local: { address, port },
    send(data, to) {
      if (!open) return;
      sending += 1;
      socket.send(data, to.port, to.address, () => {
        sending -= 1;
        closeWhenSent();
      });
    },
    // What was sent before goes out: Node would drop datagrams that still wait for the name look-up.
    close() {
      if (!open) return;
      open = false;
      closeWhenSent();
    },
  };
}
