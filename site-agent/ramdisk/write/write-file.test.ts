import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { toBase64 } from "../../../shared/bytes.ts";
import { diskIdentityOf } from "../../../shared/host/disk-identity.ts";
import { ok } from "../../../shared/result.ts";
import { makeExtentSource } from "../../../test/support/extent-source.ts";
import { makeFileMachine } from "../../../test/support/file-machine.ts";
import { makeMemoryAgent } from "../../../test/support/memory-agent.ts";
import { judgeWrittenDisk, makePartitionedImage } from "../../../test/support/partitioned-image.ts";
import { nodeCompression } from "../../adapters/node-compression.ts";
import { makeNodeClock } from "../../adapters/node-clock.ts";
import { makeNodeCrypto } from "../../adapters/node-crypto.ts";
import { buildConfigDrive } from "../../imaging/config-drive-image.ts";
import { readDisks } from "../inventory/read-disks.ts";
import type { StepContext } from "../step.ts";
import { writeStep } from "./write-step.ts";

const mib = 1024 * 1024;
let folder = "";

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "farrier-write-"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

test("a disk has the image's partitions and files, a config drive and a sound table after a write", async () => {
  const imageFile = join(folder, "image.raw");
  await makePartitionedImage(imageFile);
  const image = new Uint8Array(await readFile(imageFile));
  const source = await makeExtentSource(image);
  const file = join(folder, "disk.img");
  await writeFile(file, Buffer.alloc(96 * mib, 0xaa));
  const machine = await makeFileMachine(file, "S1");
  const [listed] = await readDisks(machine.system);
  const drive = buildConfigDrive({
    uid: "uid-1",
    namespace: "metal3",
    name: "node-0",
    userData: Buffer.from("#cloud-config\n"),
    networkData: undefined,
    metaData: undefined,
  });
  if (!drive.ok) throw new Error(drive.error.message);
  const agent = makeMemoryAgent({
    handle: async () => ({ status: 200, body: source.chunks() }),
    upgrade: () => {},
  });
  const context: StepContext = {
    ports: {
      ...machine,
      ...agent,
      clock: makeNodeClock(),
      crypto: makeNodeCrypto(),
      compression: nodeCompression,
      addresses: () => [],
      log: { info: () => {}, warn: () => {}, error: () => {} },
    },
    boot: { agentUrl: "https://192.0.2.1", fingerprint: "", bootToken: "", bootMac: "" },
    operationToken: "token",
    signal: new AbortController().signal,
    onProgress: () => {},
    mayDestroy: () => Promise.resolve(ok(undefined)),
  };
  const result = await writeStep(
    {
      kind: "write",
      approvedDisks: [diskIdentityOf(listed!.storage)],
      rootDeviceHints: { deviceName: "/dev/sda" },
      extentsPath: "/extents",
      virtualBytes: image.length,
      configDrive: toBase64(drive.value),
      bootMode: "UEFI",
      bytesPerSecond: 0,
    },
    context,
  );
  expect(result).toMatchObject({
    ok: true,
    value: { contentDigest: source.contentDigest, configDrive: true },
  });
  await judgeWrittenDisk(file, imageFile, folder);
}, 300_000);
