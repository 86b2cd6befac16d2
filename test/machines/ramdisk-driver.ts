// The agent's end of one ramdisk, run inside a lab by ramdisk-steps.test.ts: serves the machine over TLS, has it
// inspected, erased, written and left, and prints each result as one line of JSON.
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { toBase64 } from "../../shared/bytes.ts";
import { diskIdentityOf } from "../../shared/host/disk-identity.ts";
import type { RamdiskStep } from "../../shared/protocol/ramdisk.ts";
import { makeJsonLog } from "../../site-agent/adapters/json-log.ts";
import { makeNodeClock } from "../../site-agent/adapters/node-clock.ts";
import { makeNodeCrypto } from "../../site-agent/adapters/node-crypto.ts";
import { makeNodeHttpServer } from "../../site-agent/adapters/node-http-server.ts";
import { buildConfigDrive } from "../../site-agent/imaging/config-drive-image.ts";
import { makeExtentOffers } from "../../site-agent/sessions/extent-offers.ts";
import { makeRamdiskSessions } from "../../site-agent/sessions/ramdisk-sessions.ts";
import { makeExtentSource } from "../support/extent-source.ts";

const order = z.object({
  address: z.string(),
  port: z.number(),
  mac: z.string(),
  bootToken: z.string(),
  keyFile: z.string(),
  certFile: z.string(),
  imageFile: z.string(),
  /** Serial number of the disk to write. */
  rootSerial: z.string(),
  bootMode: z.enum(["UEFI", "legacy"]),
});
export type DriverOrder = z.infer<typeof order>;

const operationToken = "0be7a702".repeat(8);
const hostUid = "host-1";

async function drive(path: string): Promise<void> {
  const asked = order.parse(JSON.parse(await readFile(path, "utf8")));
  const image = await readFile(asked.imageFile);
  const source = await makeExtentSource(new Uint8Array(image));
  const log = makeJsonLog();
  const sessions = makeRamdiskSessions({ clock: makeNodeClock(), crypto: makeNodeCrypto(), log });
  const extents = makeExtentOffers();
  const offer = extents.offer(operationToken, () => source.chunks());
  sessions.expect({ hostUid, mac: asked.mac, bootToken: asked.bootToken });
  const server = await makeNodeHttpServer({ log }).listen({
    address: asked.address,
    port: asked.port,
    tls: {
      keyPem: await readFile(asked.keyFile, "utf8"),
      certPem: await readFile(asked.certFile, "utf8"),
    },
    handle: async (request) => extents.handle(request) ?? { status: 404 },
    upgrade: (request, duplex) => sessions.upgrade(request, duplex),
  });
  if (!server.ok) throw new Error(server.error.message);
  const { signal } = new AbortController();
  const arrived = await sessions.waitFor(hostUid, { timeoutMs: 300_000, signal });
  if (!arrived.ok) throw new Error(arrived.error.message);
  let count = 0;
  const run = async (step: RamdiskStep) => {
    count += 1;
    const result = await arrived.value.run(step, {
      operationId: `${hostUid}.${count}`,
      operationToken,
      mayDestroy: () => Promise.resolve({ go: true }),
      onProgress: () => {},
      signal,
    });
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return result;
  };
  const inspected = await run({ kind: "inspect" });
  const found =
    inspected.ok && inspected.outcome.kind === "inspect" ? inspected.outcome : undefined;
  const disks = (found?.hardware.storage ?? []).map(diskIdentityOf);
  await run({ kind: "erase", mode: "metadata", disks });
  const drive = buildConfigDrive({
    uid: hostUid,
    namespace: "metal3",
    name: "host",
    userData: new TextEncoder().encode("#cloud-config\n"),
    networkData: undefined,
    metaData: undefined,
  });
  if (!drive.ok) throw new Error(drive.error.message);
  await run({
    kind: "write",
    rootDeviceHints: { serialNumber: asked.rootSerial },
    approvedDisks: disks,
    extentsPath: offer.path,
    virtualBytes: image.length,
    configDrive: toBase64(drive.value),
    bootMode: asked.bootMode,
    bytesPerSecond: 0,
  });
  await run({ kind: "leave", how: "power-off" });
}

await drive(process.argv[2] ?? "");
process.exit(0);
