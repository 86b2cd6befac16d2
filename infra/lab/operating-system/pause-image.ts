// A container image that needs no registry: busybox that waits until it is told to end. It stands for the pause
// image of every pod and is a workload that a drain can be tried on.

import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { runProgram } from "../../preparation/run-program.ts";

export const pauseImageName = "farrier.invalid/pause:1";

/** As process 1 it hears no signal that it does not catch. */
const command = ["/bin/sh", "-c", "trap 'exit 0' TERM INT; sleep 2147483647 & wait"];

/** Writes the archive `target`, in the image layout of OCI; `work` is an empty folder. */
export async function makePauseImage(target: string, work: string): Promise<void> {
  const root = join(work, "root");
  await mkdir(join(root, "bin"), { recursive: true });
  await copyFile("/bin/busybox", join(root, "bin/busybox"));
  for (const name of ["sh", "sleep"]) await symlink("busybox", join(root, "bin", name));
  const layer = join(work, "layer.tar");
  await pack(layer, root);

  const layout = join(work, "layout");
  await mkdir(join(layout, "blobs/sha256"), { recursive: true });
  const put = async (mediaType: string, bytes: Uint8Array) => {
    const hex = createHash("sha256").update(bytes).digest("hex");
    await writeFile(join(layout, "blobs/sha256", hex), bytes);
    return { mediaType, digest: `sha256:${hex}`, size: bytes.length };
  };
  const json = (value: object): Uint8Array => Buffer.from(JSON.stringify(value));
  const type = "application/vnd.oci.image";
  const layers = [await put(`${type}.layer.v1.tar`, await readFile(layer))];
  const config = await put(
    `${type}.config.v1+json`,
    json({
      architecture: "amd64",
      os: "linux",
      config: { Entrypoint: command },
      rootfs: { type: "layers", diff_ids: layers.map(({ digest }) => digest) },
    }),
  );
  const manifest = await put(
    `${type}.manifest.v1+json`,
    json({ schemaVersion: 2, mediaType: `${type}.manifest.v1+json`, config, layers }),
  );
  const annotations = { "io.containerd.image.name": pauseImageName };
  const index = { schemaVersion: 2, manifests: [{ ...manifest, annotations }] };
  await writeFile(join(layout, "index.json"), json(index));
  await writeFile(join(layout, "oci-layout"), json({ imageLayoutVersion: "1.0.0" }));
  await pack(target, layout);
  await rm(root, { recursive: true });
}

/** The same bytes for the same content. */
async function pack(target: string, folder: string): Promise<void> {
  const fixed = ["--sort=name", "--mtime=@1577836800", "--owner=0", "--group=0", "--numeric-owner"];
  await runProgram("tar", ["-cf", target, ...fixed, "-C", folder, "."]);
}
