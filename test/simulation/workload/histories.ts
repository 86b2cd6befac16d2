// What people and pipelines do to the hosts of a scenario, as commands. Each host has a history of its own from a
// stream of its own. Most are deployed early: a run in which nothing is destroyed proves nothing.
import type { Random } from "../kernel/random.ts";
import type { Fleet } from "./fleet.ts";
import type { Command, MachinePlan } from "./scenario.ts";

const second = 1_000;
const minute = 60 * second;
const detached = "baremetalhost.metal3.io/detached";
const paused = "baremetalhost.metal3.io/paused";
const reboot = "reboot.metal3.io";

export function drawHistories(random: Random, fleet: Fleet, faultsMs: number): readonly Command[] {
  return fleet.machines
    .flatMap((machine, at) =>
      historyOf(random.split(`host of ${machine.name}`), { fleet, machine, at, faultsMs }),
    )
    .toSorted((a, b) => a.atMs - b.atMs);
}

interface About {
  readonly fleet: Fleet;
  readonly machine: MachinePlan;
  readonly at: number;
  readonly faultsMs: number;
}

function historyOf(random: Random, about: About): Command[] {
  const { fleet, machine, at, faultsMs } = about;
  const cluster = fleet.clusters[at % fleet.clusters.length]!.name;
  const host = `${cluster}/${random.pick(["metal", "metal", "horses"])}/${machine.name}`;
  let nowMs = random.between(second, 90 * second);
  const images = fleet.images.map(({ name }) => name);
  const commands: Command[] = [
    {
      atMs: nowMs,
      kind: "create-host",
      host,
      machine: machine.name,
      spec: firstSpec(random, machine, images),
      ...(random.chance(0.5) ? { userData: "hostname: it" } : {}),
    },
  ];
  const steps = random.between(1, 7);
  for (let left = steps; left > 0; left -= 1) {
    nowMs += random.between(5 * second, 5 * minute);
    if (nowMs > faultsMs - second) break;
    commands.push(...actOf(random, { host, machine, images, atMs: nowMs }));
    if (commands.at(-1)?.kind === "delete-host") break;
  }
  return commands;
}

function firstSpec(
  random: Random,
  machine: MachinePlan,
  images: readonly string[],
): Record<string, unknown> {
  const { disks } = machine;
  const hint = random.chance(0.3) ? { rootDeviceHints: hintOf(random, disks) } : {};
  return {
    ...(random.chance(0.7) ? { image: { name: random.pick(images) } } : {}),
    ...(random.chance(0.12) ? { externallyProvisioned: true } : {}),
    ...(random.chance(0.15) ? { automatedCleaningMode: "disabled" } : {}),
    ...(random.chance(0.08) ? { disablePowerOff: true } : {}),
    ...hint,
  };
}

function hintOf(random: Random, disks: MachinePlan["disks"]): Record<string, unknown> {
  const serialNumber = random.pick(disks).serialNumber;
  return random.pick([
    { serialNumber },
    { serialNumber },
    { minSizeGigabytes: 4 },
    { serialNumber: "none-such" },
  ]);
}

interface ActOn {
  readonly host: string;
  readonly machine: MachinePlan;
  readonly images: readonly string[];
  readonly atMs: number;
}

type Act = (random: Random, on: ActOn) => readonly Command[];

const patch =
  (
    spec: (random: Random, on: ActOn) => Readonly<Record<string, unknown>>,
    kind: "patch-spec" | "dry-run-patch" | "rejected-patch" = "patch-spec",
  ): Act =>
  (random, on) => [{ atMs: on.atMs, kind, host: on.host, patch: spec(random, on) }];

/** Set now, and removed a while later. */
const annotationFor =
  (annotation: string, value: string, longestMs: number): Act =>
  (random, { host, atMs }) => [
    { atMs, kind: "annotate", host, annotation, value },
    {
      atMs: atMs + random.between(second, longestMs),
      kind: "annotate",
      host,
      annotation,
      value: null,
    },
  ];

const acts: readonly (readonly [weight: number, act: Act])[] = [
  [8, patch((random, { images }) => ({ image: { name: random.pick(images) } }))],
  [6, patch(() => ({ image: null }))],
  [3, patch(() => ({ online: false }))],
  [3, patch(() => ({ online: true }))],
  [2, patch(() => ({ externallyProvisioned: true }))],
  [2, patch(() => ({ externallyProvisioned: null }))],
  [1, patch(() => ({ automatedCleaningMode: "disabled" }))],
  [1, patch((random, { machine }) => ({ rootDeviceHints: hintOf(random, machine.disks) }))],
  [1, patch(() => ({ image: null }), "dry-run-patch")],
  [1, patch(() => ({ image: null }), "rejected-patch")],
  [2, annotationFor(detached, "", 5 * minute)],
  [2, annotationFor(paused, "", 5 * minute)],
  [2, (_, { host, atMs }) => [{ atMs, kind: "annotate", host, annotation: reboot, value: "" }]],
  [1, annotationFor(`${reboot}/somebody`, "", minute)],
  [
    2,
    (random, { host, machine, atMs }) => [
      {
        atMs,
        kind: "change-password",
        host,
        machine: machine.name,
        lagMs: random.between(0, 2 * minute),
      },
    ],
  ],
  [
    2,
    (random, { host, atMs }) => [
      { atMs, kind: "wrong-secret", host, lagMs: random.between(second, 3 * minute) },
    ],
  ],
  [
    1,
    (random, { host, atMs }) => [
      { atMs, kind: "delete-secret", host, lagMs: random.between(second, 3 * minute) },
    ],
  ],
  [2, (_, { host, atMs }) => [{ atMs, kind: "delete-host", host }]],
  [1, (_, { machine, atMs }) => [{ atMs, kind: "power-button", machine: machine.name }]],
];

function actOf(random: Random, on: ActOn): readonly Command[] {
  const total = acts.reduce((sum, [weight]) => sum + weight, 0);
  let left = random.below(total);
  for (const [weight, act] of acts) {
    if (left < weight) return act(random.split(`at ${on.atMs}`), on);
    left -= weight;
  }
  return [];
}
