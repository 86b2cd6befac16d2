// Does what a scenario's commands say: to the clusters as kubectl does, to the machines as people do.
import {
  bmcSecretOf,
  macOf,
  bmcAddressOf,
  partsOf,
  userDataSecretOf,
} from "../workload/addresses.ts";
import type { Command } from "../workload/scenario.ts";
import { passwordOf } from "./world.ts";
import type { World } from "./world.ts";

type CommandOf<K extends Command["kind"]> = Extract<Command, { readonly kind: K }>;

/** Schedules all of them. */
export function scheduleCommands(world: World): void {
  const { kernel, scenario } = world;
  for (const command of scenario.commands) {
    kernel.timer(command.atMs, () => void play(world, command));
  }
}

async function play(world: World, command: Command): Promise<void> {
  await (plays[command.kind] as (world: World, command: Command) => Promise<void>)(world, command);
}

const plays: {
  readonly [K in Command["kind"]]: (world: World, command: CommandOf<K>) => Promise<void>;
} = {
  "create-host": createHost,
  "patch-spec": patchSpec,
  "dry-run-patch": patchSpec,
  "rejected-patch": patchSpec,
  annotate,
  async "delete-host"(world, { host }) {
    const { cluster, namespace, name } = partsOf(host);
    await world.clusters.get(cluster)?.deleteHost(namespace, name);
  },
  async "remove-finalizer"(world, { host }) {
    const { cluster, namespace, name } = partsOf(host);
    const change = (object: MutableObject) => {
      object.metadata["finalizers"] = [];
      return object;
    };
    await world.clusters.get(cluster)?.changeHost(namespace, name, { change });
  },
  async "change-password"(world, { host, machine: name, lagMs }) {
    const machine = world.machines.get(name);
    if (machine === undefined) return;
    const password = passwordOf(machine, machine.passwordNumber + 1);
    machine.changePassword(password);
    world.kernel.timer(lagMs, () => putSecret(world, host, machine.password));
  },
  async "wrong-secret"(world, { host, lagMs }) {
    putSecret(world, host, "canary-wrong-1");
    world.kernel.timer(lagMs, () => putSecret(world, host, passwordOfHost(world, host)));
  },
  async "delete-secret"(world, { host, lagMs }) {
    const { cluster, namespace } = partsOf(host);
    world.clusters.get(cluster)?.deleteSecret(namespace, bmcSecretOf(host));
    world.kernel.timer(lagMs, () => putSecret(world, host, passwordOfHost(world, host)));
  },
  async "power-button"(world, { machine }) {
    world.machines.get(machine)?.pressPowerButton();
  },
  "delete-namespace": notYet,
  claim: notYet,
  release: notYet,
};

async function notYet(_: World, { kind }: Command): Promise<void> {
  throw new Error(`${kind} cannot be played yet`);
}

type MutableObject = Parameters<
  Parameters<NonNullable<ReturnType<World["clusters"]["get"]>>["changeHost"]>[2]["change"]
>[0];

async function createHost(world: World, command: CommandOf<"create-host">): Promise<void> {
  const { cluster, namespace, name } = partsOf(command.host);
  const plan = world.scenario.machines.find((each) => each.name === command.machine);
  const target = world.clusters.get(cluster);
  if (plan === undefined || target === undefined) return;
  if (!target.objects.has(`/api/v1/namespaces/${namespace}`)) target.createNamespace(namespace);
  const machine = world.machines.get(command.machine);
  putSecret(world, command.host, machine?.password ?? "");
  if (command.userData !== undefined) {
    const userData = `#cloud-config\n# canary-data-${name}\n${command.userData}`;
    target.putSecret(namespace, userDataSecretOf(command.host), { userData });
  }
  const spec = {
    online: true,
    bmc: { address: `ipmi://${bmcAddressOf(plan)}`, credentialsName: bmcSecretOf(command.host) },
    bootMACAddress: macOf(plan),
    bootMode: plan.firmware === "UEFI" ? "UEFI" : "legacy",
    ...(command.userData === undefined
      ? {}
      : { userData: { name: userDataSecretOf(command.host) } }),
    ...resolveImage(world, command.spec),
  };
  const { annotations } = command;
  const labels = { "farrier.dev/site": plan.site };
  await target.createHost(namespace, name, { spec, labels, ...(annotations && { annotations }) });
}

async function patchSpec(
  world: World,
  command: CommandOf<"patch-spec" | "dry-run-patch" | "rejected-patch">,
): Promise<void> {
  const { cluster, namespace, name } = partsOf(command.host);
  const patch = resolveImage(world, command.patch);
  const mode =
    command.kind === "patch-spec"
      ? "write"
      : command.kind === "dry-run-patch"
        ? "dry run"
        : "refused later";
  const change = (object: MutableObject): MutableObject => {
    const spec = { ...(object["spec"] as Record<string, unknown>) };
    for (const [key, value] of Object.entries(patch)) {
      if (value === null) delete spec[key];
      else spec[key] = value;
    }
    return { ...object, spec };
  };
  await world.clusters.get(cluster)?.changeHost(namespace, name, { change, mode });
}

async function annotate(world: World, command: CommandOf<"annotate">): Promise<void> {
  const { cluster, namespace, name } = partsOf(command.host);
  const change = (object: MutableObject): MutableObject => {
    const annotations = { ...(object.metadata["annotations"] as Record<string, string>) };
    if (command.value === null) delete annotations[command.annotation];
    else annotations[command.annotation] = command.value;
    return { ...object, metadata: { ...object.metadata, annotations } };
  };
  await world.clusters.get(cluster)?.changeHost(namespace, name, { change });
}

/** `image: {name}` stands for the whole image. */
function resolveImage(
  world: World,
  spec: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  const named = spec["image"] as { readonly name?: string } | null | undefined;
  if (named?.name === undefined) return spec;
  const image = world.images.get(named.name);
  if (image === undefined) throw new Error(`the scenario has no image ${named.name}`);
  const { url, sha256: checksum } = image;
  return { ...spec, image: { url, checksum, checksumType: "sha256", format: "raw" } };
}

function passwordOfHost(world: World, host: string): string {
  const created = world.scenario.commands.find(
    (command) => command.kind === "create-host" && command.host === host,
  );
  const name = created?.kind === "create-host" ? created.machine : "";
  return world.machines.get(name)?.password ?? "";
}

function putSecret(world: World, host: string, password: string): void {
  const { cluster, namespace } = partsOf(host);
  world.clusters
    .get(cluster)
    ?.putSecret(namespace, bmcSecretOf(host), { username: "admin", password });
}
