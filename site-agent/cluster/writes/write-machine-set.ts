// Makes and deletes Machines of an OpenShift MachineSet: while the MachineSet is as it was when this was decided, under
// names that were given, so that twice is once.
import { z } from "zod";
import { objectKinds } from "../../../shared/machine/flavour.ts";
import type { WriteBack } from "../../../shared/protocol/write-back.ts";
import type { KubernetesApi } from "../port.ts";
import {
  attempt,
  fetchTarget,
  fieldManager,
  mergeInto,
  providerPath,
  type Fetched,
  type WriteOutcome,
} from "./write-attempt.ts";

type Write = Extract<WriteBack, { kind: "machine-set" }>;

const machines = "machines.machine.openshift.io";
const sets = "machinesets.machine.openshift.io";

const held = z.object({
  metadata: z.object({ generation: z.number() }),
  spec: z.object({
    template: z
      .object({
        metadata: z
          .object({
            labels: z.record(z.string(), z.string()).optional(),
            annotations: z.record(z.string(), z.string()).optional(),
          })
          .optional(),
        spec: z.looseObject({}).optional(),
      })
      .default({}),
  }),
});
type Template = z.infer<typeof held>["spec"]["template"];

export async function writeMachineSet(api: KubernetesApi, write: Write): Promise<WriteOutcome> {
  const { make, remove, adopt, generation } = write;
  if (make.length + remove.length + adopt.length === 0) return { ok: true };
  const found = await fetchTarget(api, providerPath(sets, write), write.uid);
  if (!found.ok) return found.outcome;
  const set = held.safeParse(found.object).data;
  // What it is now is decided about, too.
  if (set?.metadata.generation !== generation) return { ok: true };
  if (found.object.metadata.deletionTimestamp !== undefined) return { ok: true };
  const steps = [
    ...make.map((name) => () => makeMachine(api, write, { name, template: set.spec.template })),
    ...remove.map((machine) => () => removeMachine(api, write, machine)),
    ...adopt.map((machine) => () => adoptMachine(api, write, machine)),
  ];
  for (const step of steps) {
    const outcome = await step();
    if (!outcome.ok) return outcome;
  }
  return { ok: true };
}

function ownerOf({ name, uid }: Write): object {
  return { ...objectKinds[sets], name, uid, controller: true, blockOwnerDeletion: true };
}

/** One that is there already is done. */
async function makeMachine(
  api: KubernetesApi,
  write: Write,
  { name, template }: { readonly name: string; readonly template: Template },
): Promise<WriteOutcome> {
  const { namespace } = write;
  const path = providerPath(machines, { namespace, name }).replace(/\/[^/]*$/, "");
  const answer = await api.request({
    method: "POST",
    path: `${path}?fieldManager=${fieldManager}`,
    body: {
      ...objectKinds[machines],
      metadata: { ...template.metadata, name, namespace, ownerReferences: [ownerOf(write)] },
      spec: template.spec ?? {},
    },
  });
  if (!answer.ok) return { ok: false, message: answer.error.message, retry: true };
  const { status } = answer.value;
  if (status < 300 || status === 409) return { ok: true };
  const message = `Kubernetes refused Machine ${name} (${status})`;
  return { ok: false, message, retry: status === 429 || status >= 500 };
}

async function removeMachine(
  api: KubernetesApi,
  { namespace }: Write,
  { name, uid }: Write["remove"][number],
): Promise<WriteOutcome> {
  const found = await fetchTarget(api, providerPath(machines, { namespace, name }), uid);
  if (!found.ok) return found.outcome;
  return await attempt(api, {
    method: "DELETE",
    path: providerPath(machines, { namespace, name }),
    body: { apiVersion: "v1", kind: "DeleteOptions", preconditions: { uid } },
  });
}

async function adoptMachine(
  api: KubernetesApi,
  write: Write,
  { name, uid }: Write["adopt"][number],
): Promise<WriteOutcome> {
  const path = providerPath(machines, { namespace: write.namespace, name });
  const found = await fetchTarget(api, path, uid);
  if (!found.ok) return found.outcome;
  const { ownerReferences = [] } = found.object.metadata;
  if (ownerReferences.some(isController)) return { ok: true };
  const metadata = { ownerReferences: [...ownerReferences, ownerOf(write)] };
  return await mergeInto(api, path, found.object, { metadata });
}

type Owner = NonNullable<Fetched["metadata"]["ownerReferences"]>[number];

function isController(owner: Owner): boolean {
  return owner["controller"] === true;
}
