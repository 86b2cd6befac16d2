// The program on the host, as infra/ramdisk bundles it: gives the real machine to program.ts. Runs under the
// ramdisk's init script, which restarts the machine should this end.
import { makeJsonLog } from "../adapters/json-log.ts";
import { makeNodeClock } from "../adapters/node-clock.ts";
import { nodeCompression } from "../adapters/node-compression.ts";
import { makeNodeCrypto } from "../adapters/node-crypto.ts";
import { makeNodeDuplexClient } from "../adapters/node-duplex-client.ts";
import { makeNodeHttpClient } from "../adapters/node-http-client.ts";
import { nodePrograms } from "../adapters/node-programs.ts";
import { makeNodeDisks } from "./adapters/node-disks.ts";
import { nodeAddresses, nodeSystemFiles } from "./adapters/node-system-files.ts";
import { runRamdisk } from "./program.ts";

/** A step to write brings its config drive along. */
const messageBytes = 16 * 1024 * 1024;

const log = makeJsonLog((line) => process.stdout.write(line));
const ended = await runRamdisk({
  clock: makeNodeClock(),
  crypto: makeNodeCrypto(),
  compression: nodeCompression,
  http: makeNodeHttpClient(),
  duplexes: makeNodeDuplexClient({ maxMessageBytes: messageBytes, maxBufferedBytes: messageBytes }),
  programs: nodePrograms,
  system: nodeSystemFiles,
  disks: makeNodeDisks(nodePrograms),
  addresses: nodeAddresses,
  log,
});
if (!ended.ok) {
  log.error("cannot begin", { reason: ended.error.message });
  process.exitCode = 1;
}
