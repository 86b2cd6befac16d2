// The boot networks of a scenario's sites, and who of the fleet is on them.
import type { Kernel } from "../kernel/kernel.ts";
import { Segment } from "../network/segment.ts";
import type { Scan } from "../network/segment-watch.ts";
import { macOf } from "../workload/addresses.ts";
import type { Scenario } from "../workload/scenario.ts";
import type { Happened } from "../world/events.ts";
import { imageOrigin, mirrorOrigin } from "./images.ts";
import type { WorldImages } from "./images.ts";

/** By the name of the site. */
export function makeBootNetworks(
  { sites, machines }: Scenario,
  kernel: Kernel,
  {
    images,
    ...watch
  }: {
    readonly tell: (happened: Happened) => void;
    readonly scan: Scan;
    readonly images: WorldImages;
  },
): ReadonlyMap<string, Segment> {
  const byMac = new Map(
    machines.flatMap((machine) => [0, 1].map((nic) => [macOf(machine, nic), machine.name])),
  );
  const segments = new Map<string, Segment>();
  for (const { name } of sites) {
    const random = kernel.random.split(`network ${name}`);
    const segment = new Segment({ ...watch, kernel, random, machineOf: (mac) => byMac.get(mac) });
    for (const origin of [imageOrigin, mirrorOrigin]) {
      segment.addWebServer(origin, images.servers);
    }
    segments.set(name, segment);
  }
  return segments;
}
