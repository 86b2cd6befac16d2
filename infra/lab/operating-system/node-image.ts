// The lab's image of a Kubernetes node: Debian with containerd and a kubelet that starts when user data says which
// cluster it belongs to (infra/kubernetes/node-bootstrap.ts). It takes nothing from the internet: the only container
// image that it knows is on its disk.

import { chmod, copyFile, mkdir, readFile, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { moduleOf } from "../../kubernetes/programs.table.ts";
import { ensureDebianPackages } from "../../preparation/debian-packages.ts";
import { buildGoProgram } from "../../preparation/go-program.ts";
import type { Progress } from "../../preparation/progress.ts";
import { ensureDebian } from "./debian-image.ts";
import type { OperatingSystemImage } from "./operating-system-image.ts";
import { makePauseImage } from "./pause-image.ts";

/** Where each of our files goes. */
const files = {
  "kubelet.service": "etc/systemd/system/kubelet.service",
  "containerd.toml": "etc/containerd/config.toml",
  "pod-network.conflist": "etc/cni/net.d/10-pods.conflist",
} as const;

const source = (name: string): string => new URL(name, import.meta.url).pathname;

/** Those that pod-network.conflist does not name; they have 2 MB and more each. */
const unusedPlugins = [
  "bandwidth",
  "dhcp",
  "firewall",
  "host-device",
  "ipvlan",
  "macvlan",
  "portmap",
  "ptp",
  "sbr",
  "static",
  "tuning",
  "vlan",
  "vrf",
].map((name) => `/usr/lib/cni/${name}`);

/** Builds the image, 0.9 GiB, or takes it from the cache. Needs root; about four minutes the first time. */
export async function ensureNodeImage(progress: Progress): Promise<OperatingSystemImage> {
  const program = moduleOf("kubelet");
  const kubelet = await buildGoProgram(program, progress);
  await ensureDebianPackages(["busybox-static"], progress);
  const texts = await Promise.all(Object.keys(files).map((name) => readFile(source(name), "utf8")));
  return await ensureDebian(
    {
      name: "node-image",
      title: "make the image of a Kubernetes node",
      rootMiB: 800,
      packages: ["containerd", "containernetworking-plugins"],
      leftOut: ["/usr/bin/containerd-shim", "/usr/bin/containerd-shim-runc-v1", ...unusedPlugins],
      key: { program, texts, version: 1 },
      async furnish(folder, work) {
        for (const [name, target] of Object.entries(files)) {
          await mkdir(join(folder, dirname(target)), { recursive: true });
          await copyFile(source(name), join(folder, target));
        }
        await mkdir(join(folder, "usr/local/bin"), { recursive: true });
        await copyFile(kubelet, join(folder, "usr/local/bin/kubelet"));
        await chmod(join(folder, "usr/local/bin/kubelet"), 0o755);
        await mkdir(join(folder, "usr/share/farrier"), { recursive: true });
        const pauseWork = join(work, "pause");
        await mkdir(pauseWork);
        await makePauseImage(join(folder, "usr/share/farrier/pause.tar"), pauseWork);
        const wanted = join(folder, "etc/systemd/system/multi-user.target.wants");
        await mkdir(wanted);
        await symlink("../kubelet.service", join(wanted, "kubelet.service"));
      },
    },
    progress,
  );
}
