// What a pool of machines costs on the real stack, up and down again: a real API server, the real core of cluster-api,
// two control planes on a real Postgres, a real agent, simulated machines. MACHINES says how many.
import { cpus, loadavg } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { infrastructureGroup } from "../../shared/capm3/provider.ts";
import { startMachineFleet, type MachineFleet } from "../kubernetes/machines/machine-fleet.ts";
import { machineSetName } from "../kubernetes/machines/machine-objects.ts";
import type { Held } from "../kubernetes/machines/machine-words.ts";
import { readProcessorTimes, showUsed } from "./processor-time.ts";
import { watchObjects, type ObjectWatch } from "./watch-objects.ts";

const count = Number(process.env["MACHINES"] ?? 200);
const limitMs = 20_000 * count;
/** As a person scales: nothing else is at work but the hosts of the machines before. */
const singly = Math.min(10, count);
/** kubectl has a minute for what it is given. */
const atOnce = 20;
const workers = `machineset/${machineSetName}`;

let world: MachineFleet;
let machines: ObjectWatch;
let hosts: ObjectWatch;
let coreMachines: ObjectWatch;
/** By Metal3Machine: the first version that names its Machine; the last of the gates that core opens. */
const openedAt = new Map<string, number>();
/** By Metal3Machine: the first version of a host that names it in spec.consumerRef. */
const claimedAt = new Map<string, number>();

beforeAll(async () => {
  world = await startMachineFleet({ machines: count });
  const { adminKubeconfigPath: kubeconfig } = world.fleet.kubernetes;
  const provider = `/apis/${infrastructureGroup}/v1beta2`;
  hosts = watchObjects(kubeconfig, "/apis/metal3.io/v1alpha1/baremetalhosts", ({ spec }, atMs) => {
    const consumer = spec["consumerRef"] as { name?: string } | undefined;
    if (consumer?.name !== undefined) first(claimedAt, consumer.name, atMs);
  });
  machines = watchObjects(kubeconfig, `${provider}/metal3machines`, ({ metadata }, atMs) => {
    const owners = metadata.ownerReferences ?? [];
    if (owners.some(({ kind }) => kind === "Machine")) first(openedAt, metadata.name, atMs);
  });
  coreMachines = watchObjects(kubeconfig, "/apis/cluster.x-k8s.io/v1beta2/machines");
  const { herd, fleet } = world;
  for (let at = 0; at < count; at += atOnce) {
    const some = herd.machines.slice(at, at + atOnce);
    await fleet.apply(...some.flatMap((each) => herd.objects(each)));
  }
  await hosts.until(all("available"), limitMs);
}, limitMs);
afterAll(async () => {
  for (const watch of [machines, hosts, coreMachines]) await watch?.stop();
  await world?.stop();
});

function first(times: Map<string, number>, name: string, atMs: number): void {
  if (!times.has(name)) times.set(name, atMs);
}

const all = (state: string) => (present: ReadonlyMap<string, Held>) =>
  present.size === count && [...present.values()].every((held) => stateOf(held) === state);

function stateOf({ spec, status }: Held): unknown {
  const provisioning = status?.["provisioning"] as { state?: string } | undefined;
  const isTaken = spec["consumerRef"] !== undefined;
  return provisioning?.state === "available" && isTaken ? "taken" : provisioning?.state;
}

/** Of all that were claimed: from the last gate that core opens to the consumerRef. */
function showWaits(): string {
  const waits = [...claimedAt]
    .map(([name, atMs]) => atMs - (openedAt.get(name) ?? NaN))
    .toSorted((one, other) => one - other);
  const parts = [0.5, 0.99, 1];
  return parts.map((part) => `p${part * 100} ${Math.round(quantile(waits, part))} ms`).join(", ");
}

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
const perHundred = (ms: number) => `${seconds((ms * 100) / count)} per hundred`;

function quantile(sorted: readonly number[], part: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
}

function report(name: string, text: string): void {
  process.stdout.write(`${name.padEnd(28)} ${text}\n`);
}

describe("a MachineSet", () => {
  it(
    `goes from 0 to ${count} and back to 0 [M27 M50 M58]`,
    async () => {
      report("load before", `${loadavg().join(" ")} on ${cpus().length} CPUs`);
      const before = await readProcessorTimes();
      const startedAt = performance.now();
      await world.scale(workers, count);
      await hosts.until(() => claimedAt.size === count, limitMs);
      const used = await readProcessorTimes();
      const lastOpened = Math.max(...openedAt.values()) - startedAt;
      const lastClaimed = Math.max(...claimedAt.values()) - startedAt;
      report("all gates open (core)", `${seconds(lastOpened)}, ${perHundred(lastOpened)}`);
      report("all claimed", `${seconds(lastClaimed)}, ${perHundred(lastClaimed)}`);
      report("  as a ratio to core's pace", (lastClaimed / lastOpened).toFixed(2));
      report("gates open → consumerRef", showWaits());
      report("processor until claimed", showUsed(before, used));
      const provisioned = (await hosts.until(all("provisioned"), limitMs)) - startedAt;
      report("all hosts provisioned", `${seconds(provisioned)}, ${perHundred(provisioned)}`);
      const known = await coreMachines.until(
        (held) =>
          held.size === count &&
          [...held.values()].every(({ spec }) => spec["providerID"] !== undefined),
        limitMs,
      );
      report("all Machines provisioned", `${seconds(known - startedAt)}`);
      const consumers = [...hosts.present.values()].map(
        ({ spec }) => (spec["consumerRef"] as { name: string }).name,
      );
      expect(new Set(consumers).size).toBe(count);
      await goesBack();
      report("load after", loadavg().join(" "));
    },
    4 * limitMs,
  );

  it(
    `grows one by one to ${singly} [M27]`,
    async () => {
      openedAt.clear();
      claimedAt.clear();
      for (let replicas = 1; replicas <= singly; replicas += 1) {
        await world.scale(workers, replicas);
        await hosts.until(() => claimedAt.size === replicas, limitMs);
        await sleep(1_000);
      }
      report("one each second", showWaits());
    },
    limitMs,
  );
});

async function goesBack(): Promise<void> {
  const joinedAt = performance.now();
  for (const machine of world.herd.machines) await world.join(machine);
  const running = await coreMachines.until(
    (held) => [...held.values()].every(({ status }) => status?.["phase"] === "Running"),
    limitMs,
  );
  report("Nodes joined, all running", seconds(running - joinedAt));
  const scaledAt = performance.now();
  await world.scale(workers, 0);
  const given = (await hosts.until(all("available"), limitMs)) - scaledAt;
  report("all hosts given back", `${seconds(given)}, ${perHundred(given)}`);
  await machines.until((held) => held.size === 0, limitMs);
  await coreMachines.until((held) => held.size === 0, limitMs);
  expect(await world.fleet.kubectl(["get", "nodes", "--output=name"])).toBe("");
}
