// A large fleet without faults: every host is created within the first minute with its image, and shall be
// provisioned. For figures, not for finding bugs.
import { makeRandom } from "../kernel/random.ts";
import { plainMachine } from "./plain-machine.ts";
import { scenarioVersion } from "./scenario.ts";
import type { Scenario } from "./scenario.ts";

const siteCount = 10;
const mebibyte = 1024 ** 2;
const createdWithinMs = 60_000;

export function largeFleet(seed: number, hosts: number): Scenario {
  const random = makeRandom(`large fleet ${seed}`);
  const sites = Array.from({ length: siteCount }, (_, at) => `site-${at + 1}`);
  const machines = Array.from({ length: hosts }, (_, at) => `m${at + 1}`);
  return {
    version: scenarioVersion,
    seed,
    profile: "happy",
    tier: "memory",
    faultsMs: createdWithinMs,
    settleMs: 24 * 60 * 60_000,
    instances: 2,
    clusters: [{ name: "cluster-1", site: undefined }],
    sites: sites.map((name) => ({ name, skewMs: 0, driftPpm: 0 })),
    machines: machines.map((name, at) => ({
      ...plainMachine(name, sites[at % siteCount]),
      firmware: at % 2 === 0 ? "UEFI" : "BIOS",
    })),
    images: [{ name: "image-1", format: "raw", sizeBytes: 2 * mebibyte }],
    commands: machines
      .map((machine) => ({
        atMs: random.between(1_000, createdWithinMs - 1_000),
        kind: "create-host" as const,
        host: `cluster-1/metal/${machine}`,
        machine,
        spec: { image: { name: "image-1" }, automatedCleaningMode: "metadata" },
      }))
      .toSorted((a, b) => a.atMs - b.atMs),
    faults: [],
  };
}
