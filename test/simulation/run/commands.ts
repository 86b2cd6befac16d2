// Does what a scenario's commands say: to the clusters as kubectl does, to the machines as people do.
import { CommandPlayer } from "../kubernetes/play-command.ts";
import type { MachineFacts } from "../kubernetes/play-command.ts";
import { bootsFrom, specOf, stateOf } from "../judges/host-of.ts";
import { bmcAddressOf, macOf } from "../workload/addresses.ts";
import type { Command } from "../workload/scenario.ts";
import { canaryPassword } from "../kubernetes/canaries.ts";
import type { World } from "./world.ts";

/** Schedules all of them. */
export function scheduleCommands(world: World): void {
  const { kernel, scenario, clusters } = world;
  const created = new Map(
    scenario.commands.flatMap((command) =>
      command.kind === "create-host" ? [[command.host, command.machine]] : [],
    ),
  );
  const player = new CommandPlayer({
    kernel,
    random: kernel.random.split("commands"),
    clusters,
    image: (name) => imageOf(world, name),
    machine: (name) => factsOf(world, name),
    machineOf: (host) => created.get(host),
  });
  for (const command of scenario.commands) {
    kernel.timer(command.atMs, () => void play(world, player, command));
  }
}

async function play(world: World, player: CommandPlayer, command: Command): Promise<void> {
  if (command.kind === "power-button") world.machines.get(command.machine)?.pressPowerButton();
  else if (command.kind === "install-system") installSystem(world, command.machine);
  else {
    if (command.kind === "change-password") changePassword(world, command.machine);
    await player.play(command);
  }
}

function installSystem({ machines, truth }: World, name: string): void {
  const machine = machines.get(name);
  const hosts = truth.hostsOf(name);
  const isTheirs = hosts.every(
    ({ object }) =>
      specOf(object).externallyProvisioned === true &&
      stateOf(object) === "externally provisioned" &&
      bootsFrom(object, machine),
  );
  if (hosts.length > 0 && isTheirs) machine?.installSystem();
}

function changePassword({ machines }: World, name: string): void {
  const machine = machines.get(name);
  machine?.changePassword(canaryPassword(machine.name, machine.passwordNumber + 1));
}

function factsOf({ scenario, machines }: World, name: string): MachineFacts | undefined {
  const plan = scenario.machines.find((each) => each.name === name);
  if (plan === undefined) return undefined;
  return {
    site: plan.site,
    bmcAddress: `ipmi://${bmcAddressOf(plan)}`,
    spec: {
      bootMACAddress: macOf(plan),
      bootMode: plan.firmware === "UEFI" ? "UEFI" : "legacy",
    },
    password: machines.get(name)?.password ?? "",
  };
}

function imageOf({ images }: World, name: string): Readonly<Record<string, string>> {
  const image = images.byName.get(name);
  if (image === undefined) throw new Error(`the scenario has no image ${name}`);
  const { url, sha256: checksum, format } = image;
  return { url, checksum, checksumType: "sha256", format };
}
