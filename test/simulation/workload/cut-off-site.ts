// A site whose wide area network is cut for a day in the middle of its work: hosts in every phase, people who go on
// asking for things at the cluster, and machines that are restarted by hand. The cluster has an agent of its own,
// elsewhere: the control plane goes on being asked.
import { plainMachine } from "./plain-machine.ts";
import { scenarioVersion } from "./scenario.ts";
import type { Command, Scenario } from "./scenario.ts";

const second = 1_000;
const hour = 3_600 * second;
const mebibyte = 1024 ** 2;

export const cutAtMs = 300 * second;
export const cutMs = 24 * hour;

/** What each is doing when the network goes; the test looks whether it is so. */
export const doing = {
  m1: "being inspected",
  m2: "before the point of no return of its write",
  m3: "past the point of no return of its write",
  m4: "provisioned",
  m5: "available",
  m6: "being switched off, to be switched on again",
} as const;
export type CutOff = keyof typeof doing;
export const cutOff = Object.keys(doing) as readonly CutOff[];

const small = { image: { name: "image-1" } };
const large = { image: { name: "image-2" } };
const minutes = 60 * second;

/** Before the cut. */
const before: readonly Command[] = [
  create("m4", second, small),
  create("m6", 2 * second, small),
  create("m5", 3 * second, {}),
  create("m2", 4 * second, { online: false }),
  create("m3", cutAtMs - 80 * second, large),
  create("m1", cutAtMs - 10 * second, small),
  {
    atMs: cutAtMs - 9 * second,
    kind: "patch-spec",
    host: hostOf("m2"),
    patch: { online: true, ...small },
  },
  {
    atMs: cutAtMs - 2 * second,
    kind: "annotate",
    host: hostOf("m6"),
    annotation: "reboot.metal3.io",
    value: "",
  },
];

/** While nobody hears of it at the site: another image, and none any more. */
const meanwhile: readonly Command[] = [
  { atMs: cutAtMs + hour, kind: "patch-spec", host: hostOf("m5"), patch: small },
  { atMs: cutAtMs + 2 * hour, kind: "patch-spec", host: hostOf("m3"), patch: { image: null } },
];

/** The button, off and on again, of what was deployed before the cut and what was finished in it. */
const restarts: readonly Command[] = [3, 9, 15, 21].flatMap((hours) =>
  (["m3", "m4"] as const).flatMap((machine): Command[] => [
    { atMs: cutAtMs + hours * hour, kind: "power-button", machine },
    { atMs: cutAtMs + hours * hour + 5 * minutes, kind: "power-button", machine },
  ]),
);

export function cutOffSite(seed: number): Scenario {
  return {
    version: scenarioVersion,
    seed,
    profile: "written",
    tier: "memory",
    faultsMs: cutAtMs + cutMs + second,
    settleMs: hour,
    instances: 2,
    clusters: [{ name: "cluster-1", site: undefined }],
    sites: [{ name: "site-1", skewMs: 0, driftPpm: 20 }],
    machines: cutOff.map((name) => plainMachine(name)),
    images: [
      { name: "image-1", format: "raw", sizeBytes: 2 * mebibyte },
      { name: "image-2", format: "raw", sizeBytes: 16 * mebibyte },
    ],
    commands: [...before, ...meanwhile, ...restarts].toSorted((a, b) => a.atMs - b.atMs),
    faults: [
      {
        fault: "wan-partition",
        target: "site-1",
        atMs: cutAtMs,
        untilMs: cutAtMs + cutMs,
        amount: 0,
      },
    ],
  };
}

function hostOf(machine: CutOff): string {
  return `cluster-1/metal/${machine}`;
}

function create(machine: CutOff, atMs: number, spec: Readonly<Record<string, unknown>>): Command {
  return { atMs, kind: "create-host", host: hostOf(machine), machine, spec };
}
