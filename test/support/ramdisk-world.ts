// The real ramdisk program on a machine in memory, connected to the real sessions of an agent, on one virtual
// clock: a world in which an operation can run steps.
import { makeVirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";
import type { VirtualClock } from "../../infra/lab/bmc-simulator/virtual-clock.ts";
import type { DiskIdentity, RamdiskStep } from "../../shared/protocol/ramdisk.ts";
import { makeNodeCrypto } from "../../site-agent/adapters/node-crypto.ts";
import type { Log } from "../../site-agent/ports.ts";
import { runRamdisk } from "../../site-agent/ramdisk/program.ts";
import { makeExtentOffers } from "../../site-agent/sessions/extent-offers.ts";
import type { ExtentOffers } from "../../site-agent/sessions/extent-offers.ts";
import type { MayDestroyQuestion, RunOptions, StepResult } from "../../site-agent/sessions/port.ts";
import { makeRamdiskSessions } from "../../site-agent/sessions/ramdisk-sessions.ts";
import type { RamdiskServer } from "../../site-agent/sessions/ramdisk-sessions.ts";
import type { FakeDisk } from "./fake-disk.ts";
import { makeFakeMachine } from "./fake-machine.ts";
import type { FakeMachine } from "./fake-machine.ts";
import { makeMemoryAgent } from "./memory-agent.ts";
import type { MemoryAgent } from "./memory-agent.ts";

const mib = 1024 * 1024;
export const macs = ["52:54:00:aa:00:01", "52:54:00:aa:00:02"];
export const hostUid = "uid-1";
export const bootToken = "b007".repeat(16);
export const operationToken = "0be7a702".repeat(8);
export const fingerprint = "ab".repeat(32);
export const commandLine = `console=ttyS0 farrier.agent=https://192.0.2.1:8443 farrier.fingerprint=${fingerprint} farrier.token=${bootToken} farrier.mac=${macs[0]}`;
export const sizes = { sda: 64 * mib, sdb: 32 * mib } as const;

export interface RamdiskWorld {
  readonly clock: VirtualClock;
  readonly machine: FakeMachine;
  readonly agent: MemoryAgent;
  readonly sessions: RamdiskServer;
  readonly extents: ExtentOffers;
  readonly console: string[];
  readonly ended: Promise<unknown>;
  /** Runs a step as an operation does. */
  run(step: RamdiskStep, options?: Partial<RunOptions>): Promise<StepResult>;
  disk(name: "sda" | "sdb"): FakeDisk;
  questions: MayDestroyQuestion[];
}

/** Returns when the ramdisk has connected. */
export async function startRamdiskWorld(firmware: "BIOS" | "UEFI" = "BIOS"): Promise<RamdiskWorld> {
  const clock = makeVirtualClock();
  const console: string[] = [];
  const say = (message: string, fields?: object): void => {
    console.push(`${message} ${JSON.stringify(fields)}`);
  };
  const log: Log = { info: say, warn: say, error: say };
  const machine = makeFakeMachine({
    clock,
    log,
    systemUuid: "11111111-2222-3333-4444-555555555555",
    serialNumber: "LAB-1",
    macs,
    firmware,
    disks: [
      { serialNumber: "DISK-A", sizeBytes: sizes.sda },
      { serialNumber: "DISK-B", sizeBytes: sizes.sdb },
    ],
  });
  const sessions = makeRamdiskSessions({ clock, crypto: makeNodeCrypto(), log });
  const extents = makeExtentOffers();
  const agent = makeMemoryAgent({
    handle: async (request) => extents.handle(request) ?? { status: 404 },
    upgrade: (request, duplex) => sessions.upgrade(request, duplex),
  });
  sessions.expect({ hostUid, mac: macs[0]!, bootToken });
  const ended = runRamdisk(machine.ports(commandLine, agent));
  const questions: MayDestroyQuestion[] = [];
  await clock.advance(100);
  return {
    clock,
    machine,
    agent,
    sessions,
    extents,
    console,
    ended,
    questions,
    disk: (name) => machine.disks.get(name)!,
    run(step, options = {}) {
      const session = sessions.session(hostUid);
      if (session === undefined) throw new Error("the ramdisk has not connected");
      return session.run(step, {
        operationId: "uid-1.1",
        operationToken,
        mayDestroy(question) {
          questions.push(question);
          return Promise.resolve({ go: true });
        },
        onProgress: () => {},
        signal: new AbortController().signal,
        ...options,
      });
    },
  };
}

export function identityOf(name: "sda" | "sdb"): DiskIdentity {
  return {
    name: `/dev/disk/by-path/pci-0000:00:10.0-scsi-0:0:${name === "sda" ? 0 : 1}:0`,
    serialNumber: name === "sda" ? "DISK-A" : "DISK-B",
    sizeBytes: sizes[name],
  };
}
