// The stories of the crash matrix: one host, one site, two instances. Each brings about the operations that
// it is there for; together they bring about every operation in each form that the product has.
import { plainMachine } from "../workload/plain-machine.ts";
import type { Command, Fault, Scenario } from "../workload/scenario.ts";

const second = 1_000;
const minute = 60 * second;
const mebibyte = 1024 ** 2;
const gibibyte = 1024 ** 3;
export const host = "cluster-1/metal/m1";
/** By then an undisturbed host is as its spec asks, and its system runs. */
const readyMs = 40 * second;
const image = { name: "image-1" };

export interface Story {
  readonly name: string;
  /** Its operations that are crashed in, in their order: what each does, and what it is called in the table. */
  readonly operations: readonly { readonly work: string; readonly is: string }[];
  /** Operations before those, of whatever kind. */
  readonly before: number;
  readonly spec: Readonly<Record<string, unknown>>;
  /** What is done when the host has become what `spec` says. */
  readonly later?: Later;
  /** The control plane's database becomes what it was so long before: what it forgot must be asked for. */
  readonly restored?: { readonly atMs: number; readonly agoMs: number };
  readonly ends: "provisioned" | "available" | "gone";
}

type Later =
  | { readonly kind: "patch-spec"; readonly patch: Readonly<Record<string, unknown>> }
  | { readonly kind: "annotate"; readonly annotation: string; readonly value: string | null }
  | { readonly kind: "delete-host" };

export const stories: readonly Story[] = [
  {
    name: "a new host is deployed at once",
    before: 0,
    operations: [
      { work: "register", is: "register" },
      { work: "inspect", is: "inspect" },
      { work: "clean", is: "prepare" },
      { work: "provision", is: "provision" },
    ],
    spec: { image },
    ends: "provisioned",
  },
  {
    name: "a new host is made ready and off",
    before: 1,
    operations: [
      { work: "inspect", is: "inspect, then off" },
      { work: "clean", is: "prepare, then off" },
    ],
    spec: { online: false },
    ends: "available",
  },
  {
    name: "a host that is off is deployed",
    before: 3,
    operations: [{ work: "provision", is: "provision from off" }],
    spec: { online: false },
    later: { kind: "patch-spec", patch: { online: true, image } },
    ends: "provisioned",
  },
  {
    name: "a host that is off is switched on",
    before: 3,
    operations: [{ work: "power on", is: "power on" }],
    spec: { online: false },
    later: { kind: "patch-spec", patch: { online: true } },
    ends: "available",
  },
  {
    name: "a deployed host is switched off",
    before: 4,
    operations: [{ work: "power off", is: "power off" }],
    spec: { image },
    later: { kind: "patch-spec", patch: { online: false } },
    ends: "provisioned",
  },
  {
    name: "a deployed host is rebooted",
    before: 5,
    operations: [{ work: "power on", is: "reboot, on" }],
    spec: { image },
    later: { kind: "annotate", annotation: "reboot.metal3.io", value: "" },
    ends: "provisioned",
  },
  {
    name: "a deployed host that must not be switched off is rebooted",
    before: 4,
    operations: [{ work: "power reboot", is: "reset" }],
    spec: { image, disablePowerOff: true },
    later: { kind: "annotate", annotation: "reboot.metal3.io", value: "" },
    ends: "provisioned",
  },
  {
    name: "the database is restored while a host is written",
    before: 5,
    operations: [{ work: "recall", is: "recall" }],
    spec: { image },
    restored: { atMs: 12_600, agoMs: 2 * second },
    ends: "provisioned",
  },
  {
    name: "a deployed host is given back",
    before: 4,
    operations: [{ work: "clean", is: "deprovision" }],
    spec: { image },
    later: { kind: "patch-spec", patch: { image: null } },
    ends: "available",
  },
  {
    name: "a deployed host is deleted",
    before: 4,
    operations: [{ work: "clean", is: "deprovision, then off" }],
    spec: { image },
    later: { kind: "delete-host" },
    ends: "gone",
  },
  {
    name: "a host that is on is deleted",
    before: 3,
    operations: [{ work: "power off", is: "power off, at once" }],
    spec: {},
    later: { kind: "delete-host" },
    ends: "gone",
  },
];

export function scenarioOf(story: Story, faultsMs = 5 * minute): Scenario {
  const later: Command[] =
    story.later === undefined ? [] : [{ atMs: readyMs, host, ...story.later }];
  return {
    version: 1,
    // Its machine boots fast.
    seed: 3598,
    profile: "written",
    tier: "memory",
    faultsMs,
    settleMs: 60 * minute,
    instances: 2,
    clusters: [{ name: "cluster-1", site: "site-1" }],
    sites: [{ name: "site-1", skewMs: 0, driftPpm: 0 }],
    machines: [
      {
        ...plainMachine("m1"),
        disks: [{ serialNumber: "m1-d1", sizeBytes: 8 * gibibyte }],
        bootOrder: ["disk", "network"],
      },
    ],
    images: [{ name: "image-1", format: "raw", sizeBytes: 2 * mebibyte }],
    commands: [{ atMs: 100, kind: "create-host", host, machine: "m1", spec: story.spec }, ...later],
    faults: faultsOf(story),
  };
}

function faultsOf({ restored }: Story): readonly Fault[] {
  if (restored === undefined) return [];
  const { atMs, agoMs } = restored;
  return [{ fault: "database-restored", target: "database", atMs, untilMs: atMs, amount: agoMs }];
}
