// Images of a scenario: what must lie on the disk, what its server gives, and the digest of that. The name of the
// image can be read from a disk again (machines/disks/system-image.ts). Made once per process.
import { createHash } from "node:crypto";
import { makeSystemImage } from "../../machines/disks/system-image.ts";
import type { ImagePlan } from "../../workload/scenario.ts";
import type { Image } from "../../world/truth.ts";
import { encodeQcow2 } from "./encode-qcow2.ts";

export interface MadeImage extends Image {
  readonly format: ImagePlan["format"];
  /** The file as its server has it. */
  readonly served: Uint8Array;
  /** Of the file, hex. */
  readonly sha256: string;
}

const made = new Map<string, MadeImage>();

/**
 * @param origin of its server, as http://images.example
 * @param version 1 is the image; others have the same URL, and content with the name "<name>@<version>"
 */
export function makeImage(plan: ImagePlan, origin: string, version = 1): MadeImage {
  const { format, sizeBytes } = plan;
  const name = version === 1 ? plan.name : `${plan.name}@${version}`;
  const url = `${origin}/${plan.name}.${format}`;
  const key = `${url} ${name} ${sizeBytes}`;
  const known = made.get(key);
  if (known !== undefined) return known;
  const bytes = makeSystemImage(name, sizeBytes);
  const served = format === "raw" ? bytes : encodeQcow2(bytes);
  const sha256 = createHash("sha256").update(served).digest("hex");
  const image = { name, url, bytes, format, served, sha256 };
  made.set(key, image);
  return image;
}
