// A site's imaging on the real disk and network, allowed to fetch from this machine.
import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { makeNodeClock } from "../../site-agent/adapters/node-clock.ts";
import { nodeCompression } from "../../site-agent/adapters/node-compression.ts";
import { makeNodeCrypto } from "../../site-agent/adapters/node-crypto.ts";
import { nodeFiles } from "../../site-agent/adapters/node-files.ts";
import { makeNodeHttpClient } from "../../site-agent/adapters/node-http-client.ts";
import { makeImages } from "../../site-agent/imaging/images.ts";
import type { Images } from "../../site-agent/imaging/port.ts";

export function makeNodeImages(cacheDirectory: string): Images {
  const silent = (): void => {};
  return makeImages({
    http: makeNodeHttpClient(),
    files: nodeFiles,
    compression: nodeCompression,
    crypto: makeNodeCrypto(),
    clock: makeNodeClock(),
    log: { info: silent, warn: silent, error: silent },
    config: { cacheDirectory, cacheBytes: 4 * 2 ** 30, allowedHosts: ["127.0.0.1"] },
  });
}

export async function fileDigest(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest("hex");
}
