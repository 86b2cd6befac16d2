// What an agent has on its boot network, and nobody who decides: the real boot servers, ramdisk sessions, offers of
// images and IPMI client, for tests of what boots there.
import { encodeFrame } from "../../shared/protocol/extent-stream.ts";
import type { RamdiskStep } from "../../shared/protocol/ramdisk.ts";
import { makeBmcFleet } from "../../site-agent/bmc/bmc-fleet.ts";
import type { Bmc } from "../../site-agent/bmc/port.ts";
import { makeNetboot } from "../../site-agent/netboot/netboot.ts";
import type { Netboot } from "../../site-agent/netboot/port.ts";
import type { Clock, Crypto, Log } from "../../site-agent/ports.ts";
import { makeExtentOffers } from "../../site-agent/sessions/extent-offers.ts";
import type { RamdiskSessions, StepResult } from "../../site-agent/sessions/port.ts";
import { makeRamdiskSessions } from "../../site-agent/sessions/ramdisk-sessions.ts";
import { makeExtentSource } from "./extent-source.ts";
import { makeFakeFiles } from "./fake-files.ts";
import type { MemoryNode } from "./memory-network.ts";

const bootToken = "b007".repeat(16);
const operationToken = "0be7".repeat(16);
// No certificate at all: the network in memory compares digests and encrypts nothing.
const certPem = `-----BEGIN CERTIFICATE-----\n${"AAAA".repeat(16)}\n-----END CERTIFICATE-----\n`;
const fingerprint = "17b0761f87b081d5cf10757ccc89f12be355c70e2e29df288b65b30710dcbcd1";
const quiet: Log = { info: () => {}, warn: () => {}, error: () => {} };
const bootFiles = { bios: "/boot/undionly.kpxe", uefi: "/boot/snponly.efi" };
const [kernelPath, initrdPaths] = ["/boot/vmlinuz", ["/boot/base.cpio", "/boot/program.cpio"]];

export interface BootSite {
  readonly netboot: Netboot;
  readonly sessions: RamdiskSessions;
  /** Of the BMC at this address. */
  bmc(address: string, password: string): Bmc;
  /** Lets the machine boot the ramdisk once, as host-1. */
  expectBoot(mac: string): void;
  /** Begins it in the ramdisk of host-1, each as an operation of its own. */
  start(step: RamdiskStep): Promise<StepResult>;
  /** Returns where the ramdisk finds its extents. */
  offer(image: Uint8Array): Promise<string>;
}

/** `node`: with its address, as 10.1.0.1; machines get addresses from 10.1.0.200 on. */
export async function makeBootSite(
  node: MemoryNode,
  { clock, crypto }: { readonly clock: Clock; readonly crypto: Crypto },
): Promise<BootSite> {
  const { address } = node;
  const network = address.split(".").slice(0, 3).join(".");
  const tools = { clock, crypto, log: quiet, udp: node.udp };
  const files = makeFakeFiles();
  for (const path of [...Object.values(bootFiles), kernelPath, ...initrdPaths]) {
    await files.writeFile(path, new Uint8Array(1_500).fill(path.length));
  }
  const config = {
    address,
    prefixLength: 16,
    rangeFrom: `${network}.200`,
    rangeTo: `${network}.220`,
    httpPort: 8080,
    bootFiles,
    kernelPath,
    initrdPaths,
  };
  const netboot = makeNetboot({ ...tools, files, config });
  const sessions = makeRamdiskSessions(tools);
  const extents = makeExtentOffers();
  await netboot.start();
  await node.server.listen({
    address,
    port: config.httpPort,
    handle: (request) => netboot.handleHttp(request),
  });
  await node.server.listen({
    address,
    port: 8443,
    tls: { keyPem: "", certPem },
    handle: async (request) => extents.handle(request) ?? { status: 404 },
    upgrade: (request, duplex) => sessions.upgrade(request, duplex),
  });
  let operations = 0;
  return {
    netboot,
    sessions,
    bmc(at, password) {
      const login = { username: "admin", password, credentialsVersion: password };
      const made = makeBmcFleet(tools).bmc({ address: `ipmi://${at}`, ...login });
      if (!made.ok) throw new Error(made.error.message);
      return made.value;
    },
    expectBoot(mac) {
      sessions.expect({ hostUid: "host-1", mac, bootToken });
      netboot.allow({
        hostUid: "host-1",
        operationId: "host-1.1",
        mac,
        kernelParameters: [
          { name: "farrier.agent", value: `https://${address}:8443` },
          { name: "farrier.fingerprint", value: fingerprint },
          { name: "farrier.token", value: bootToken },
          { name: "farrier.mac", value: mac },
        ],
      });
    },
    async start(step) {
      const session = sessions.session("host-1");
      if (session === undefined) throw new Error("the ramdisk has not connected");
      operations += 1;
      return await session.run(step, {
        operationId: `host-1.${operations}`,
        operationToken,
        mayDestroy: async () => ({ go: true }),
        onProgress: () => {},
        signal: new AbortController().signal,
      });
    },
    async offer(image) {
      const source = await makeExtentSource(image);
      return extents.offer(operationToken, async function* () {
        for (const frame of source.frames) yield encodeFrame(frame);
      }).path;
    },
  };
}
