// Debian's ipmi_sim as the BMC of a lab machine: IPMI 2.0 with cipher suite 3, judged by others
// long before us. It calls chassis-control.sh for power and boot device.

import { mkdir, writeFile } from "node:fs/promises";
import type { MachinePaths, MachineSpec } from "./machine/machine-spec.ts";

const chassisControl = new URL("machine/chassis-control.sh", import.meta.url).pathname;

/** Writes the configuration and returns the command line to run inside the lab. */
export async function prepareIpmiSim(spec: MachineSpec, paths: MachinePaths): Promise<string[]> {
  const folder = `${paths.directory}/ipmi-sim`;
  // Users in an old state folder would win over those in the configuration.
  await mkdir(`${folder}/state`, { recursive: true });
  await writeFile(`${folder}/lan.conf`, lanConf(spec, paths), { mode: 0o600 });
  await writeFile(`${folder}/commands.emu`, commands);
  const files = ["-c", `${folder}/lan.conf`, "-f", `${folder}/commands.emu`];
  return ["ipmi_sim", ...files, "-s", `${folder}/state`, "-n"];
}

// Order matters to its parser. It has one set of allowed authentication types per privilege.
function lanConf(spec: MachineSpec, paths: MachinePaths): string {
  const { address, port, username, password } = spec.bmc;
  const types = "none md2 md5 straight";
  return `name "${spec.name}"
set_working_mc 0x20
startlan 1
  addr ${address} ${port}
  priv_limit admin
  allowed_auths_callback ${types}
  allowed_auths_user ${types}
  allowed_auths_operator ${types}
  allowed_auths_admin ${types}
  guid ${spec.uuid.replaceAll("-", "")}
endlan
chassis_control "${chassisControl} ${paths.chassisSocket}"
user 1 true "" "" user 10 none md2 md5 straight
user 2 true "${username}" "${password}" admin 10 ${types}
`;
}

// One management controller at 0x20 with an event log of 1000 entries.
const commands = `mc_setbmc 0x20
mc_add 0x20 0 no-device-sdrs 0x23 9 8 0x9f 0x1291 0xf02
sel_enable 0x20 1000 0x0a
mc_enable 0x20
`;
