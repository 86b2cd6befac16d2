// The Nodes that Farrier deletes where it keeps OpenShift's Machines: of a Machine that is being deleted, when no hook
// holds it, and after it was drained. Nobody else's, and not the one of the next Machine on its host.
import type { KubernetesObject, WorldEvent } from "../world/events.ts";
import type { Truth } from "../world/truth.ts";
import { isDeleting, isOpenShiftMachine, isOpenShiftMachineSet } from "./machine-of.ts";

type ObjectEvent = Extract<WorldEvent, { readonly kind: "object" }>;

const machineAnnotation = "machine.openshift.io/machine";
const excludeDrainAnnotation = "machine.openshift.io/exclude-node-draining";

/** As "namespace/name"; undefined: nobody has told it. */
export function machineOfNode({ metadata }: KubernetesObject): string | undefined {
  return metadata.annotations?.[machineAnnotation];
}

export class LeftNodes {
  /** Clusters with OpenShift's kinds. */
  readonly #clusters = new Set<string>();

  /** What is wrong now, if anything. */
  onObject({ cluster, after, verb, by }: ObjectEvent, truth: Truth): string | undefined {
    if (isOpenShiftMachineSet(after) || isOpenShiftMachine(after)) this.#clusters.add(cluster);
    if (after.kind !== "Node" || verb !== "gone" || by !== "farrier") return undefined;
    if (!this.#clusters.has(cluster)) return undefined;
    const problem = problemOf(after, [...truth.objects(cluster).values()], truth);
    return problem === undefined
      ? undefined
      : `Farrier deleted Node ${after.metadata.name} ${problem}`;
  }
}

function problemOf(
  node: KubernetesObject,
  objects: readonly KubernetesObject[],
  truth: Truth,
): string | undefined {
  const own = machineOfNode(node);
  const hosts = truth.hostsOf(node.metadata.name).map(({ object }) => object.metadata.uid);
  const machines = objects.filter(isOpenShiftMachine);
  const named = machines.find((each) => pathOf(each) === own);
  // One that was never linked is known by the host that it runs on.
  const machine =
    own === undefined
      ? machines.find((each) => isDeleting(each) && hosts.includes(hostUidOf(each)))
      : named;
  if (machine === undefined) return `of ${own ?? "nobody"}, which is not there`;
  if (!isDeleting(machine)) return `of ${pathOf(machine)}, which stays`;
  const hook = hookOf(machine);
  if (hook !== undefined) return `while a hook holds its Machine: ${hook}`;
  const isDrained =
    machine.metadata.annotations?.[excludeDrainAnnotation] !== undefined || own === undefined;
  if (isDrained) return undefined;
  if (node.spec?.["unschedulable"] !== true) return "before it was drained";
  const pod = objects.find(
    ({ kind, spec }) => kind === "Pod" && spec?.["nodeName"] === node.metadata.name,
  );
  return pod === undefined ? undefined : `before pod ${pod.metadata.name} had left it`;
}

function pathOf({ metadata: { namespace, name } }: KubernetesObject): string {
  return `${namespace}/${name}`;
}

/** Of its providerID: baremetalhost:///namespace/name/uid. */
function hostUidOf({ spec = {} }: KubernetesObject): string {
  const { providerID = "" } = spec as { readonly providerID?: string };
  return providerID.split("/").at(-1) ?? "";
}

function hookOf({ spec }: KubernetesObject): string | undefined {
  const hooks = (spec?.["lifecycleHooks"] ?? {}) as Readonly<Record<string, readonly object[]>>;
  return ["preDrain", "preTerminate"].find((each) => (hooks[each] ?? []).length > 0);
}
