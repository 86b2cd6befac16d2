// A day without a wide area network, for a site in the middle of its work: what had begun to destroy ends, what had
// not waits and says why, machines boot their own disks, nothing new is destroyed, and afterwards all is told at once.
import { beforeAll, describe, expect, test } from "vitest";
import { stateOf, statusOf } from "./judges/host-of.ts";
import type { Onlooker, Run } from "./run/run.ts";
import { runScenario } from "./run/run-scenario.ts";
import { startMs } from "./run/world.ts";
import type { World } from "./run/world.ts";
import { cutAtMs, cutMs, cutOff, cutOffSite, doing } from "./workload/cut-off-site.ts";
import type { CutOff } from "./workload/cut-off-site.ts";
import type { KubernetesObject, WorldEvent } from "./world/events.ts";

const beganMs = startMs + cutAtMs;
const endedMs = beganMs + cutMs;
/** Nothing destructive begins so long after the last confirmed renewal of the site's lease. */
const leaseMs = 15_000;

type Kind = WorldEvent["kind"];

/** Keeps what a day is small without: not each poll of a BMC. */
class DayWatch implements Onlooker {
  readonly events: WorldEvent[] = [];
  /** Of hosts by name, as Kubernetes holds them when the network is back, and at the end. */
  readonly afterCut = new Map<string, KubernetesObject>();
  readonly atEnd = new Map<string, KubernetesObject>();
  #world: World | undefined;

  onStart(world: World): void {
    this.#world = world;
  }

  onCall(): void {}

  onEvent(event: WorldEvent): void {
    if (ignored.has(event.kind)) return;
    this.events.push(event);
    if (event.kind === "power") this.#world?.kernel.progress();
    if (event.kind === "fault-ended") this.#take(this.afterCut);
  }

  onEnd(): void {
    this.#take(this.atEnd);
  }

  of<K extends Kind>(kind: K, fromMs: number, untilMs: number) {
    return this.events.filter(
      (event): event is Extract<WorldEvent, { readonly kind: K }> =>
        event.kind === kind && event.atMs >= fromMs && event.atMs < untilMs,
    );
  }

  #take(into: Map<string, KubernetesObject>): void {
    for (const object of this.#world?.truth.objects("cluster-1").values() ?? []) {
      if (object.kind === "BareMetalHost") into.set(object.metadata.name, object);
    }
  }
}

const ignored = new Set<Kind>(["watch", "secret-read", "commit", "sent"]);

const watch = new DayWatch();
let run: Run;

beforeAll(async () => {
  run = await runScenario(cutOffSite(1), { onlooker: watch });
}, 600_000);

/** What a machine was last told to do, and what it runs, at the moment of the cut. */
function atCut(machine: CutOff) {
  const messages = watch
    .of("ramdisk-message", 0, beganMs)
    .filter((each) => each.machine === machine);
  const steps = messages.filter(({ type }) => type !== "progress" && type !== "hello");
  const runs = watch.of("running", 0, beganMs).findLast((each) => each.machine === machine);
  const object = watch
    .of("object", 0, beganMs)
    .findLast(({ after }) => after.kind === "BareMetalHost" && after.metadata.name === machine);
  return {
    state: stateOf(object?.after),
    runs: runs?.running,
    last: [steps.at(-1)?.type, steps.at(-1)?.step].filter((each) => each !== undefined).join(" "),
  };
}

test("the network is cut while each host is doing what it is there for", () => {
  expect(Object.fromEntries(cutOff.map((machine) => [machine, atCut(machine)]))).toEqual({
    m1: { state: "inspecting", runs: "firmware", last: "" },
    m2: { state: "provisioning", runs: "firmware", last: "done leave" },
    m3: { state: "provisioning", runs: "ramdisk", last: "go" },
    m4: { state: "provisioned", runs: "operating system", last: "done leave" },
    m5: { state: "available", runs: "ramdisk", last: "done erase" },
    m6: { state: "provisioned", runs: "operating system", last: "done leave" },
  });
  expect(watch.of("power-command", beganMs - 5_000, beganMs)).toMatchObject([
    { machine: "m6", action: "soft", done: true },
  ]);
});

describe("while it is cut", () => {
  test("the write that had begun to destroy ends, and its host boots it", () => {
    const messages = watch.of("ramdisk-message", beganMs, endedMs);
    const done = messages.filter(({ type, step }) => type === "done" && step === "write");
    expect(done).toMatchObject([{ machine: "m3" }]);
    const systems = watch
      .of("running", beganMs, beganMs + 300_000)
      .filter(({ running }) => running === "operating system");
    expect(systems).toMatchObject([{ machine: "m3", disk: "m3-d1", system: "image-2" }]);
  });

  test("the write that had not begun is refused, and the site says why", () => {
    const refused = watch
      .of("ramdisk-message", beganMs, endedMs)
      .filter(({ type }) => type === "refuse");
    expect(refused).toMatchObject([{ machine: "m2" }]);
    const said = watch
      .of("log", beganMs, endedMs)
      .filter(({ process, message }) => process === "site-1" && message === "operation ended")
      .filter(({ fields }) => fields["ok"] === false);
    expect(said.map(({ fields }) => fields)).toMatchObject([
      {
        operation: refused[0]?.operationId,
        kind: "provision",
        reason: "fenced",
        message: expect.stringMatching(
          /Nothing was destroyed: the control plane has not confirmed this site's lease for \d+ s/,
        ),
      },
    ]);
  });

  test("nothing new is destroyed, and nobody's power is touched", () => {
    const disks = watch.of("disk", beganMs, endedMs).map(({ machine }) => machine);
    expect([...new Set(disks)]).toEqual(["m3"]);
    const goes = watch.of("ramdisk-message", beganMs, endedMs).filter(({ type }) => type === "go");
    expect(goes).toEqual([]);
    const commands = watch.of("power-command", beganMs + leaseMs, endedMs);
    // The end of the write that was let go before.
    expect(commands.filter(({ agent }) => agent !== undefined)).toMatchObject([
      { machine: "m3", action: "on" },
    ]);
  });

  test("machines that are restarted boot their own disks, though they ask the network first", () => {
    const began = watch
      .of("running", beganMs + 300_000, endedMs)
      .filter(({ running }) => running === "operating system" || running === "ramdisk");
    expect(began).toHaveLength(8);
    for (const { machine, disk, system } of began) {
      expect({ disk, system }).toEqual({
        disk: `${machine}-d1`,
        system: machine === "m3" ? "image-2" : "image-1",
      });
    }
    expect(watch.of("boot-offer", beganMs + 300_000, endedMs)).toEqual([]);
  });

  test("the cluster is told of each host with work at the site that nobody hears it", () => {
    for (const name of ["m1", "m2", "m5", "m6"] as const) {
      expect(JSON.stringify(watch.afterCut.get(name)?.status), doing[name]).toMatch(
        /"type":"farrier.dev\/Operation"[^}]*site site-1 has not been heard since 2026-11-01T12:04:5/,
      );
    }
  });
});

describe("when it is back", () => {
  test("one session tells all that has happened, in few frames", () => {
    const hellos = watch.of("hello", endedMs, Infinity);
    expect(hellos).toHaveLength(1);
    const helloMs = hellos[0]?.atMs ?? Infinity;
    expect(helloMs - endedMs).toBeLessThan(60_000);
    const begun = new Set(watch.of("delivered", 0, beganMs).map(({ operationId }) => operationId));
    const reports = watch
      .of("reported", endedMs, Infinity)
      .filter(({ operationId }) => operationId !== undefined && begun.has(operationId));
    const ends = reports.filter(({ what }) => /succeeded|failed/.test(what));
    expect(ends).toHaveLength(4);
    const last = Math.max(...reports.map((each) => each.number));
    const frames = watch
      .of("frame", helloMs, Infinity)
      .filter((each) => each.agent === "site-1" && each.number < last);
    expect(frames.length).toBeLessThanOrEqual(6);
    expect(frames.filter(({ type }) => type === "observations")).toHaveLength(1);
  });

  test("within an hour every host is as its spec asks, and no judge has anything to say", () => {
    expect(run.violations).toEqual([]);
    expect(run.stuck).toBeUndefined();
    const states = [...watch.atEnd].map(([name, host]) => [name, stateOf(host)] as const);
    expect(Object.fromEntries(states)).toEqual({
      m1: "provisioned",
      m2: "provisioned",
      m3: "available",
      m4: "provisioned",
      m5: "provisioned",
      m6: "provisioned",
    });
    for (const [, host] of watch.atEnd) expect(statusOf(host).poweredOn).toBe(true);
  });
});
