// The images of a scenario, and the servers that have them.
import type { Kernel } from "../kernel/kernel.ts";
import { ImageServers } from "../network/images/image-servers.ts";
import { makeImage } from "../network/images/make-image.ts";
import type { MadeImage } from "../network/images/make-image.ts";
import type { Scan } from "../network/segment-watch.ts";
import type { ImagePlan, Scenario } from "../workload/scenario.ts";
import type { Happened } from "../world/events.ts";

export const imageOrigin = "http://images.example";
export const mirrorOrigin = "http://mirror.example";

export interface WorldImages {
  readonly servers: ImageServers;
  readonly byName: ReadonlyMap<string, MadeImage>;
}

export function makeImages(
  scenario: Scenario,
  kernel: Kernel,
  watch: { readonly tell: (happened: Happened) => void; readonly scan: Scan },
): WorldImages {
  const random = kernel.random.split("image servers");
  const servers = new ImageServers({ ...watch, kernel, random, mirror: mirrorOrigin });
  const byName = new Map<string, MadeImage>();
  for (const plan of scenario.images) {
    const image = makeImage(plan, imageOrigin);
    byName.set(plan.name, image);
    const versions = versionsOf(plan, scenario).map((version) => {
      const { served: bytes, sha256 } = makeImage(plan, imageOrigin, version);
      return { bytes, sha256 };
    });
    servers.add({ url: image.url, versions }, plan.server);
  }
  return { servers, byName };
}

/** The second one costs time to make, and is there for those that change. */
function versionsOf({ name }: ImagePlan, { faults }: Scenario): readonly number[] {
  const changes = faults.some(({ fault, target }) => fault === "image-changes" && target === name);
  return changes ? [1, 2] : [1];
}
