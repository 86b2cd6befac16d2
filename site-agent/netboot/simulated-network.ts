// A network, a disk and a clock for the tests of this folder: no sockets, no files, no waiting.

import { err, ok } from "../../shared/result.ts";
import type { Clock, Files, LogFields, Udp, UdpAddress, UdpOptions } from "../ports.ts";
import type { NetbootConfig } from "./netboot-config.ts";
import type { NetbootPorts } from "./netboot.ts";

export const simulatedConfig: NetbootConfig = {
  address: "10.7.0.1",
  prefixLength: 24,
  rangeFrom: "10.7.0.100",
  rangeTo: "10.7.0.103",
  httpPort: 8080,
  bootFiles: { bios: "/boot/undionly.kpxe", uefi: "/boot/snponly.efi" },
  kernelPath: "/ramdisk/vmlinuz",
  initrdPaths: ["/ramdisk/base.cpio", "/ramdisk/program.cpio"],
};

export interface Datagram {
  readonly data: Uint8Array;
  readonly from: UdpAddress;
  readonly to: UdpAddress;
}

export interface SimulatedNetwork extends NetbootPorts {
  /** What was sent and not taken yet, in order. */
  take(): Datagram[];
  /** Gives a datagram to the socket that listens there; false when there is none. */
  deliver(datagram: Datagram): boolean;
  readonly bound: ReadonlySet<UdpOptions>;
  readonly logged: readonly { readonly message: string; readonly fields: LogFields }[];
  readonly contents: Map<string, Uint8Array>;
  /** Lets time pass and runs the timers that are due in it. */
  readonly pass: (ms: number) => void;
}

export function simulateNetwork(config: NetbootConfig = simulatedConfig): SimulatedNetwork {
  const sent: Datagram[] = [];
  const bound = new Set<UdpOptions>();
  const logged: { message: string; fields: LogFields }[] = [];
  const contents = new Map(
    [config.bootFiles.bios, config.bootFiles.uefi, config.kernelPath, ...config.initrdPaths].map(
      (path) => [path, new TextEncoder().encode(`content of ${path}`)],
    ),
  );
  const log = (message: string, fields: LogFields = {}): void => {
    logged.push({ message, fields });
  };
  const time = simulateClock();
  return {
    config,
    clock: time.clock,
    log: { info: log, warn: log, error: log },
    files: simulateFiles(contents),
    udp: simulateUdp(bound, sent),
    bound,
    logged,
    contents,
    pass: time.pass,
    take: () => sent.splice(0),
    deliver({ data, from, to }) {
      const sockets = [...bound].filter(({ port }) => port === to.port);
      const socket =
        sockets.find(({ address }) => address === to.address) ??
        sockets.find(({ address }) => address === "0.0.0.0");
      socket?.onMessage(data, from);
      return socket !== undefined;
    },
  };
}

function simulateUdp(bound: Set<UdpOptions>, sent: Datagram[]): Udp {
  let nextPort = 40_000;
  return {
    async bind(asked) {
      if (asked.device !== undefined) return err("unsupported", "no devices here");
      nextPort += 1;
      const options = { ...asked, port: asked.port === 0 ? nextPort : asked.port };
      bound.add(options);
      const local = { address: options.address, port: options.port };
      return ok({
        local,
        send: (data, to) => void sent.push({ data, from: local, to }),
        close: () => void bound.delete(options),
      });
    },
  };
}

function simulateClock(): { clock: Clock; pass: (ms: number) => void } {
  let now = 0;
  const timers = new Set<{ atMs: number; run: () => void }>();
  const clock: Clock = {
    nowMs: () => 1_800_000_000_000 + now,
    monotonicMs: () => now,
    sleep: () => Promise.reject(new Error("nothing here sleeps")),
    timer(ms, run) {
      const timer = { atMs: now + ms, run };
      timers.add(timer);
      return { cancel: () => void timers.delete(timer) };
    },
  };
  const pass = (ms: number): void => {
    now += ms;
    const due = [...timers].filter(({ atMs }) => atMs <= now);
    for (const timer of due) {
      timers.delete(timer);
      timer.run();
    }
  };
  return { clock, pass };
}

function simulateFiles(contents: ReadonlyMap<string, Uint8Array>): Files {
  const unused = (): never => {
    throw new Error("not simulated");
  };
  return {
    open(path) {
      const content = contents.get(path);
      if (content === undefined) {
        return Promise.resolve(err("missing", `Cannot open "${path}": ENOENT`));
      }
      return Promise.resolve(
        ok({
          sizeBytes: content.length,
          read: (offset, length) => Promise.resolve(ok(content.slice(offset, offset + length))),
          write: unused,
          sync: unused,
          close: () => Promise.resolve(),
        }),
      );
    },
    readFile: unused,
    writeFile: unused,
    rename: unused,
    remove: unused,
    list: unused,
    makeFolder: unused,
    freeBytes: unused,
  };
}
