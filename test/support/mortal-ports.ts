// The ramdisk program's ports on a machine whose power may go: from the moment of the signal no call comes back and
// no timer fires, so that whatever the program was doing is never continued. What was written to a disk before
// stays written: disks here have no cache that could lose it.
import type { Clock, Log } from "../../site-agent/ports.ts";
import type { Disk, RamdiskPorts } from "../../site-agent/ramdisk/ports.ts";
import { ok } from "../../shared/result.ts";

export function mortalPorts(ports: RamdiskPorts, death: AbortSignal): RamdiskPorts {
  const alive = makeAlive(death);
  return {
    ...ports,
    clock: mortalClock(ports.clock, death),
    log: mortalLog(ports.log, death),
    http: { request: (request) => alive(() => ports.http.request(request)) },
    duplexes: { connect: (request) => alive(() => ports.duplexes.connect(request)) },
    programs: { run: (argv, options) => alive(() => ports.programs.run(argv, options)) },
    disks: {
      open: (path) =>
        alive(async () => {
          const opened = await ports.disks.open(path);
          return opened.ok ? ok(mortalDisk(opened.value, alive)) : opened;
        }),
      rereadPartitions: (path) => alive(() => ports.disks.rereadPartitions(path)),
    },
  };
}

type Alive = <T>(call: () => Promise<T>) => Promise<T>;

/** Makes the call and hands its outcome on, both only while the machine lives. */
function makeAlive(death: AbortSignal): Alive {
  return (call) =>
    new Promise((resolve, reject) => {
      if (death.aborted) return;
      call().then(
        (value) => {
          if (!death.aborted) resolve(value);
        },
        (thrown: unknown) => {
          if (!death.aborted) reject(thrown as Error);
        },
      );
    });
}

function mortalDisk(disk: Disk, alive: Alive): Disk {
  return {
    sizeBytes: disk.sizeBytes,
    sectorBytes: disk.sectorBytes,
    read: (offset, length) => alive(() => disk.read(offset, length)),
    write: (offset, data) => alive(() => disk.write(offset, data)),
    zero: (offset, length) => alive(() => disk.zero(offset, length)),
    flush: () => alive(() => disk.flush()),
    close: () => alive(() => disk.close()),
  };
}

function mortalClock(clock: Clock, death: AbortSignal): Clock {
  return {
    nowMs: () => clock.nowMs(),
    monotonicMs: () => clock.monotonicMs(),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const ended = signal === undefined ? death : AbortSignal.any([signal, death]);
        void clock.sleep(ms, ended).then(() => {
          if (!death.aborted) resolve();
        });
      }),
    timer(ms, run) {
      const timer = clock.timer(ms, () => {
        if (!death.aborted) run();
      });
      death.addEventListener("abort", () => timer.cancel(), { once: true });
      return timer;
    },
  };
}

function mortalLog(log: Log, death: AbortSignal): Log {
  const tell =
    (level: keyof Log): Log["info"] =>
    (message, fields) => {
      if (!death.aborted) log[level](message, fields);
    };
  return { info: tell("info"), warn: tell("warn"), error: tell("error") };
}
