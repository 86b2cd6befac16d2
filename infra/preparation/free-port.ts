// Asks the kernel for a TCP port that is free now. Nothing keeps it free: whoever listens on it
// later must be ready to try another.

import { once } from "node:events";
import { createServer } from "node:net";

/** A port that nobody listens on at `address`. */
export async function freePort(address = "127.0.0.1"): Promise<number> {
  const server = createServer();
  server.listen(0, address);
  await once(server, "listening");
  const bound = server.address();
  server.close();
  await once(server, "close");
  if (bound === null || typeof bound === "string") throw new Error(`No TCP port at ${address}`);
  return bound.port;
}
