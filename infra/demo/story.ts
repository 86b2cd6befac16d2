// The demo's story: two machines that are off become hosts; one gets an operating system by hand and calls home, the
// other becomes a Node by kubectl scale; the control plane loses its whole database; both are given back.
import {
  deploymentSpec,
  hostManifest,
  imagePatch,
  namespace,
  networkDataSecret,
  userDataSecret,
} from "./host-manifests.ts";
import type { Phases } from "./phases.ts";
import { apply, kubectl, type Stage } from "./stage.ts";
import { watchHosts, type HostWatcher } from "./watch-hosts.ts";
import { scaleDown, scaleUp, showScaledDown } from "./workers-chapter.ts";

const minutes = 60_000;

/** @param keep stops while the machines run their operating systems */
export async function playStory(stage: Stage, phases: Phases, keep: boolean): Promise<void> {
  const hosts = watchHosts(stage.paddock.kubernetes, namespace, stage.transcript);
  await phases.time("register, inspect, clean", () => applyHosts(stage, hosts));
  await phases.time("m1 by hand: write and boot", () => provision(stage, hosts));
  await phases.time("m2 by kubectl scale: a Ready Node", () => scaleUp(stage, hosts));
  await phases.time("lose the database and adopt", () => loseDatabase(stage, hosts));
  if (keep) return;
  await phases.time("scale to 0, clean, give back", () => giveBack(stage, hosts));
  await phases.time("delete", () => deleteHosts(stage, hosts));
}

function both({ byHand, worker }: Stage, state: string): Readonly<Record<string, string>> {
  return { [byHand.name]: state, [worker.name]: state };
}

async function applyHosts(stage: Stage, hosts: HostWatcher): Promise<void> {
  const { paddock, transcript, byHand, worker, external } = stage;
  transcript.heading("Two machines that are off, and one that is somebody else's");
  await kubectl(stage, "create", "namespace", namespace);
  for (const machine of [byHand, worker]) {
    const address = networkDataSecret(machine, paddock.lab.siteAddress);
    const text = `${address}---\n${hostManifest(machine, deploymentSpec(machine))}`;
    await apply(stage, `${machine.name}.yaml`, text);
  }
  const untouched = { externallyProvisioned: true, online: false };
  await apply(stage, `${external.name}.yaml`, hostManifest(external, untouched));
  const wanted = { ...both(stage, "available"), [external.name]: "externally provisioned" };
  await hosts.until(wanted, 8 * minutes);
  await kubectl(stage, "get", "baremetalhosts", "-n", namespace, "-o", "wide");
  const columns =
    "NAME:.metadata.name,CPUS:.spec.hardware.cpu.count,MEMORY:.spec.hardware.ramMebibytes,DISKS:.spec.hardware.storage[*].serialNumber,NICS:.spec.hardware.nics[*].mac";
  await kubectl(stage, "get", "hardwaredata", "-n", namespace, "-o", `custom-columns=${columns}`);
}

async function provision(stage: Stage, hosts: HostWatcher): Promise<void> {
  const { paddock, transcript, byHand, images } = stage;
  const { name } = byHand;
  transcript.heading("An operating system by hand");
  const userData = userDataSecret(byHand, paddock.services.callBackUrl(name));
  await apply(stage, `${name}-user-data.yaml`, userData);
  await patchHost(stage, name, imagePatch(byHand, images.debian));
  await hosts.until({ [name]: "provisioned" }, 12 * minutes);
  transcript.say(`waiting for ${name} to call home from its own disk`);
  await untilCalled(stage, name, 5 * minutes);
}

/** With the instance id that its config drive gave it: its host's uid. */
async function untilCalled(stage: Stage, name: string, withinMs: number): Promise<void> {
  const { paddock, transcript } = stage;
  const end = Date.now() + withinMs;
  for (;;) {
    const call = (await paddock.services.calls()).find(({ called }) => called === name);
    if (call !== undefined) {
      const { instance = "?", host = "?" } = call.query;
      transcript.say(
        `${name} called home from ${call.from}: hostname ${host}, instance ${instance}`,
      );
      return;
    }
    if (Date.now() > end) throw new Error(`${name} did not call home in ${withinMs / 1000} s`);
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

async function loseDatabase(stage: Stage, hosts: HostWatcher): Promise<void> {
  const { paddock, transcript, byHand, worker } = stage;
  transcript.heading("The control plane loses its whole database");
  const before = await events(stage);
  await paddock.loseDatabase();
  await paddock.join();
  await hosts.until(both(stage, "provisioned"), 2 * minutes);
  await paddock.untilAdopted([byHand.name, worker.name]);
  const after = await events(stage);
  transcript.say(
    before === after
      ? "all hosts adopted from their own status; no machine was switched, booted or written"
      : "a machine was touched while it was adopted: that must not happen",
  );
  if (before !== after) throw new Error("Adoption touched a machine.");
  await kubectl(stage, "get", "machines,baremetalhosts", "-n", namespace);
}

async function events({ paddock, byHand, worker, external }: Stage): Promise<string> {
  const all = await Promise.all(
    [byHand, worker, external].map(({ name }) => paddock.lab.machine(name).events()),
  );
  return JSON.stringify(all);
}

async function giveBack(stage: Stage, hosts: HostWatcher): Promise<void> {
  const { transcript, byHand } = stage;
  transcript.heading("Given back: cleaned and offered again");
  await scaleDown(stage);
  await patchHost(stage, byHand.name, '{"spec":{"image":null}}');
  await hosts.until(both(stage, "available"), 8 * minutes);
  await showScaledDown(stage);
  const columns = "HOST:.involvedObject.name,TYPE:.type,REASON:.reason,MESSAGE:.message";
  const sorted = ["--sort-by=.metadata.creationTimestamp", "-o", `custom-columns=${columns}`];
  const about = "involvedObject.kind=BareMetalHost";
  await kubectl(stage, "get", "events", "-n", namespace, "--field-selector", about, ...sorted);
}

async function deleteHosts(stage: Stage, hosts: HostWatcher): Promise<void> {
  const { transcript, byHand, worker, external } = stage;
  transcript.heading("Deleted");
  const names = [byHand, worker, external].map(({ name }) => name);
  await kubectl(stage, "delete", "bmh", "-n", namespace, ...names, "--timeout=120s");
  await hosts.until(both(stage, ""), 1 * minutes);
}

async function patchHost(stage: Stage, name: string, patch: string): Promise<void> {
  await kubectl(stage, "patch", "bmh", name, "-n", namespace, "--type=merge", "-p", patch);
}
