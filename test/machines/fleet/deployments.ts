// What a person applies to have a machine deployed: Secrets and a patch of the host. The systems call back with
// who they think they are.
import { networkData } from "../../../infra/lab/network-data.ts";
import type { MachineSpec } from "../../../infra/lab/machine/machine-spec.ts";
import type { CallBack } from "../../../infra/paddock/site-services.ts";
import { secretManifest } from "./host-object.ts";
import type { Fleet } from "./start-fleet.ts";
import { until } from "./until.ts";

export interface Deployment {
  readonly machine: MachineSpec;
  /** That the network data gives it; outside the agent's own range. */
  readonly address: string;
  readonly userData: string;
  readonly image: { readonly fileName: string; readonly sha256: string };
}

/** For the witness: calls back with the instance's id. `secret` is in the text and is not sent. */
export function witnessUserData(fleet: Fleet, name: string, secret: string): string {
  const url = fleet.paddock.services.callBackUrl(name);
  return `#!/bin/sh\n# ${secret}\nwget -q -O - "${url}?instance=$UUID"\n`;
}

/** For Debian's cloud-init, the same, with its host name. */
export function debianUserData(fleet: Fleet, name: string): string {
  const url = fleet.paddock.services.callBackUrl(name);
  const instance = "$(cloud-init query instance_id)";
  return `#!/bin/sh\ncurl -s --retry 20 --retry-connrefused "${url}?instance=${instance}&host=$(hostname)"\n`;
}

export function imageOf(fleet: Fleet, { fileName, sha256 }: Deployment["image"]) {
  const url = fleet.paddock.services.imageUrl(fileName);
  return { url, checksum: sha256, checksumType: "sha256", format: "qcow2" };
}

export function serialOf(machine: MachineSpec, diskName: string): string {
  return machine.disks.find(({ name }) => name === diskName)?.serial ?? "";
}

/** Returns kubectl's warnings. */
export async function deploy(fleet: Fleet, deployment: Deployment): Promise<string> {
  const { machine, userData, image } = deployment;
  const { name } = machine;
  await fleet.apply(
    secretManifest(`${name}-user-data`, { userData }),
    secretManifest(`${name}-network-data`, {
      networkData: networkData({ mac: machine.mac, address: deployment.address }),
    }),
  );
  return await fleet.patch(name, {
    online: true,
    image: imageOf(fleet, image),
    userData: { name: `${name}-user-data` },
    networkData: { name: `${name}-network-data` },
    rootDeviceHints: { serialNumber: serialOf(machine, "root") },
  });
}

/** The newest call of the machine, that comes after so many others. */
export async function untilCalled(
  fleet: Fleet,
  name: string,
  { seconds, after = 0 }: { readonly seconds: number; readonly after?: number },
): Promise<CallBack | undefined> {
  const calls = await until(
    { fact: `${name} calls back`, seconds },
    async () => (await fleet.paddock.services.calls()).filter(({ called }) => called === name),
    (heard) => heard.length > after,
  );
  return calls.at(-1);
}
