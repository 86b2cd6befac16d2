// A config drive for a machine that is not deployed by us.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { networkData } from "../../infra/lab/network-data.ts";
import { ensureDebianPackages } from "../../infra/preparation/debian-packages.ts";
import type { Progress } from "../../infra/preparation/progress.ts";
import { runProgram } from "../../infra/preparation/run-program.ts";

export const configDriveUuid = "c0ffee00-0000-4000-8000-000000000001";

/** Writes a config drive as ISO 9660 over the start of the file `target`. */
export async function writeConfigDrive(
  directory: string,
  target: string,
  drive: { readonly mac: string; readonly userData: string },
  progress: Progress,
): Promise<void> {
  await ensureDebianPackages(["xorriso"], progress);
  const latest = join(directory, "config/openstack/latest");
  mkdirSync(latest, { recursive: true });
  const network = networkData({ mac: drive.mac, address: "192.168.100.77" });
  const metaData = { uuid: configDriveUuid, name: "host-1", hostname: "host-1" };
  writeFileSync(join(latest, "meta_data.json"), JSON.stringify(metaData));
  writeFileSync(join(latest, "network_data.json"), network);
  writeFileSync(join(latest, "user_data"), drive.userData);
  const iso = join(directory, "config.iso");
  const format = ["-as", "genisoimage", "-quiet", "-R", "-V", "config-2", "-o", iso];
  await runProgram("xorriso", [...format, join(directory, "config")]);
  await runProgram("dd", [`if=${iso}`, `of=${target}`, "conv=notrunc", "status=none"]);
}
