// What people, pipelines and other controllers do to a host that exists, each with how often it is done. An act is
// one command, or a few that belong together. Most are wise, some are refused by the webhook, some are mistakes.
import type { Random } from "../kernel/random.ts";
import { bmcAddressOf, bmcSecretOf } from "./addresses.ts";
import type { Command, MachinePlan } from "./scenario.ts";

export interface ActOn {
  readonly host: string;
  readonly machine: MachinePlan;
  /** Of the fleet: where a mistyped BMC address leads. */
  readonly machines: readonly MachinePlan[];
  readonly images: readonly string[];
  readonly atMs: number;
}

export interface Act {
  readonly name: string;
  readonly weight: number;
  readonly play: (random: Random, on: ActOn) => readonly Command[];
}

type Spec = Readonly<Record<string, unknown>>;

const second = 1_000;
const minute = 60 * second;
const detached = "baremetalhost.metal3.io/detached";
const paused = "baremetalhost.metal3.io/paused";
const reboot = "reboot.metal3.io";

function patched(spec: (random: Random, on: ActOn) => Spec): Act["play"] {
  return (random, on) => [
    { atMs: on.atMs, kind: "patch-spec", host: on.host, patch: spec(random, on) },
  ];
}

/** Set, and set back after `fromMs` to `toMs`. */
function flipped(there: Spec, back: Spec, [fromMs, toMs]: readonly [number, number]): Act["play"] {
  return (random, { host, atMs }) => [
    { atMs, kind: "patch-spec", host, patch: there },
    { atMs: atMs + random.between(fromMs, toMs), kind: "patch-spec", host, patch: back },
  ];
}

function annotated(annotation: string, values: readonly string[]): Act["play"] {
  return (random, { host, atMs }) => [
    { atMs, kind: "annotate", host, annotation, value: random.pick(values) },
  ];
}

/** Set, and removed a while later. */
function annotatedFor(
  annotation: string,
  values: readonly string[],
  longestMs: number,
): Act["play"] {
  return (random, on) => {
    const { host, atMs } = on;
    const removedMs = atMs + random.between(second, longestMs);
    return [
      ...annotated(annotation, values)(random, on),
      { atMs: removedMs, kind: "annotate", host, annotation, value: null },
    ];
  };
}

const deployment: readonly Act[] = [
  {
    name: "another image",
    weight: 8,
    play: patched((random, { images }) => ({ image: { name: random.pick(images) } })),
  },
  {
    name: "two images within seconds",
    weight: 3,
    play: (random, on) => {
      const again = { ...on, atMs: on.atMs + random.between(100, 20 * second) };
      const image = patched((draws, { images }) => ({ image: { name: draws.pick(images) } }));
      return [...image(random, on), ...image(random, again)];
    },
  },
  { name: "give back", weight: 6, play: patched(() => ({ image: null })) },
  {
    name: "give back and deploy at once",
    weight: 2,
    play: (random, on) => {
      const { host, images, atMs } = on;
      const image = { name: random.pick(images) };
      const againMs = atMs + random.between(second, 2 * minute);
      return [
        { atMs, kind: "patch-spec", host, patch: { image: null } },
        { atMs: againMs, kind: "patch-spec", host, patch: { image } },
      ];
    },
  },
  { name: "rebuild", weight: 2, play: annotated("farrier.dev/rebuild", [""]) },
  { name: "retry", weight: 2, play: annotated("farrier.dev/retry", [""]) },
  { name: "inspect again", weight: 2, play: annotated("inspect.metal3.io", [""]) },
  {
    name: "cleaning mode",
    weight: 2,
    play: patched((random) => ({
      automatedCleaningMode: random.pick(["disabled", "metadata", "metadata"]),
    })),
  },
  {
    name: "other hints",
    weight: 2,
    play: patched((random, { machine }) => ({ rootDeviceHints: hintsFor(random, machine) })),
  },
  {
    name: "dry run",
    weight: 2,
    play: (_, { host, atMs }) => [{ atMs, kind: "dry-run-patch", host, patch: { image: null } }],
  },
  {
    name: "refused by another webhook",
    weight: 2,
    play: (random, { host, images, atMs }) => {
      const patch = random.pick([{ image: null }, { image: { name: random.pick(images) } }]);
      return [{ atMs, kind: "rejected-patch", host, patch }];
    },
  },
];

const power: readonly Act[] = [
  { name: "off", weight: 3, play: patched(() => ({ online: false })) },
  { name: "on", weight: 3, play: patched(() => ({ online: true })) },
  {
    name: "off and on",
    weight: 4,
    play: flipped({ online: false }, { online: true }, [second, 4 * minute]),
  },
  {
    name: "reboot",
    weight: 5,
    play: annotated(reboot, [
      "",
      '{"mode":"soft"}',
      '{"mode":"hard"}',
      '{"mode":"hard","force":true}',
    ]),
  },
  { name: "a reboot that cannot be read", weight: 1, play: annotated(reboot, ["now!"]) },
  { name: "held off", weight: 2, play: annotatedFor(`${reboot}/remediation`, [""], 2 * minute) },
  {
    name: "power button",
    weight: 3,
    play: (_, { machine, atMs }) => [{ atMs, kind: "power-button", machine: machine.name }],
  },
];

const ownership: readonly Act[] = [
  {
    name: "detached for a while",
    weight: 4,
    play: annotatedFor(
      detached,
      ["", "false", '{"deleteAction":"delay"}', '{"force":true}'],
      5 * minute,
    ),
  },
  { name: "paused for a while", weight: 4, play: annotatedFor(paused, [""], 5 * minute) },
  {
    name: "externally provisioned",
    weight: 2,
    play: (random, on) => [
      ...patched(() => ({ externallyProvisioned: true }))(random, on),
      installed(on, on.atMs + 20 * second),
    ],
  },
  {
    name: "externally provisioned for a while",
    weight: 2,
    play: (random, on) => {
      const back = { externallyProvisioned: null };
      const flips = flipped({ externallyProvisioned: true }, back, [second, 3 * minute])(
        random,
        on,
      );
      const [setMs = 0, clearedMs = 0] = flips.map(({ atMs }) => atMs);
      return [...flips, installed(on, Math.floor((setMs + clearedMs) / 2))];
    },
  },
  { name: "taken over", weight: 2, play: patched(() => ({ externallyProvisioned: null })) },
  { name: "deleted", weight: 3, play: deleted },
  {
    name: "deleted and created again",
    weight: 3,
    play: (random, on) => {
      const { host, machine, images, atMs } = on;
      const againMs = atMs + random.between(5 * second, 4 * minute);
      const spec = { image: { name: random.pick(images) } };
      return [
        ...deleted(random, on),
        { atMs: againMs, kind: "create-host", host, machine: machine.name, spec },
      ];
    },
  },
  {
    name: "replaced by force",
    weight: 2,
    play: (random, on) => {
      const { host, machine, images, atMs } = on;
      const freeMs = atMs + random.between(50, 2 * second);
      const againMs = freeMs + random.between(20, 2 * second);
      const image = { name: random.pick(images) };
      const spec = random.chance(0.7) ? { image } : {};
      return [
        ...deleted(random, on),
        { atMs: freeMs, kind: "remove-finalizer", host },
        { atMs: againMs, kind: "create-host", host, machine: machine.name, spec },
      ];
    },
  },
  {
    name: "deleted while detached",
    weight: 1,
    play: (random, on) => [
      ...annotated(detached, ["", '{"deleteAction":"delete"}'])(random, on),
      ...deleted(random, { ...on, atMs: on.atMs + random.between(0, minute) }),
    ],
  },
  {
    name: "deleted by force",
    weight: 1,
    play: (random, on) => [
      ...deleted(random, on),
      ...annotated("farrier.dev/force-delete", [""])(random, {
        ...on,
        atMs: on.atMs + random.between(0, minute),
      }),
    ],
  },
  {
    name: "finalizer removed by hand",
    weight: 2,
    play: (random, on) => {
      const isDeleted = random.chance(0.7);
      const atMs = on.atMs + random.between(0, minute);
      return [
        ...(isDeleted ? deleted(random, on) : []),
        { atMs, kind: "remove-finalizer", host: on.host },
      ];
    },
  },
];

const bmc: readonly Act[] = [
  {
    name: "new password",
    weight: 3,
    play: (random, { host, machine, atMs }) => {
      const lagMs = random.between(0, 2 * minute);
      return [{ atMs, kind: "change-password", host, machine: machine.name, lagMs }];
    },
  },
  {
    name: "wrong password for a while",
    weight: 2,
    play: (random, { host, atMs }) => [
      { atMs, kind: "wrong-secret", host, lagMs: random.between(second, 3 * minute) },
    ],
  },
  {
    name: "Secret gone for a while",
    weight: 2,
    play: (random, { host, atMs }) => [
      { atMs, kind: "delete-secret", host, lagMs: random.between(second, 3 * minute) },
    ],
  },
  {
    name: "address of another machine",
    weight: 1,
    play: (random, on) => [addressed(on, random.pick(on.machines), on.atMs)],
  },
  {
    name: "address of another machine while detached",
    weight: 1,
    play: (random, on) => {
      const { host, machine, machines, atMs } = on;
      const backMs = atMs + random.between(10 * second, 2 * minute);
      const note = { kind: "annotate", host, annotation: detached } as const;
      return [
        { ...note, atMs, value: "" },
        addressed(on, random.pick(machines), atMs + 5 * second),
        addressed(on, machine, backMs),
        { ...note, atMs: backMs + 5 * second, value: null },
      ];
    },
  },
];

/** All of them; the weights say how often each is drawn. */
export const acts: readonly Act[] = [...deployment, ...power, ...ownership, ...bmc];

/** One that fits one disk, mostly; sometimes several, or none. */
export function hintsFor(random: Random, { disks }: MachinePlan): Spec {
  const { serialNumber } = random.pick(disks);
  return random.pick<Spec>([
    { serialNumber },
    { serialNumber },
    { serialNumber: serialNumber.toUpperCase(), minSizeGigabytes: 1 },
    { minSizeGigabytes: 4 },
    { serialNumber: "none-such" },
  ]);
}

function installed({ machine }: ActOn, atMs: number): Command {
  return { atMs, kind: "install-system", machine: machine.name };
}

function deleted(_: Random, { host, atMs }: ActOn): readonly Command[] {
  return [{ atMs, kind: "delete-host", host }];
}

function addressed({ host }: ActOn, to: MachinePlan, atMs: number): Command {
  const address = `ipmi://${bmcAddressOf(to)}`;
  const patch = { bmc: { address, credentialsName: bmcSecretOf(host) } };
  return { atMs, kind: "patch-spec", host, patch };
}
