// The Nodes that Farrier deletes where it keeps OpenShift's Machines: of a Machine that is being deleted, when no hook
// holds it, and after it was drained. Nobody else's, and not the one of the next Machine on its host.
import type { KubernetesObject, WorldEvent } from "../world/events.ts";
import type { Truth } from "../world/truth.ts";
import { consumerOf, specOf } from "./host-of.ts";
import { isDeleting, isOpenShiftMachine, isOpenShiftMachineSet, isUsedBy } from "./machine-of.ts";

type ObjectEvent = Extract<WorldEvent, { readonly kind: "object" }>;

const machineAnnotation = "machine.openshift.io/machine";
const excludeDrainAnnotation = "machine.openshift.io/exclude-node-draining";

const onItsWayMs = 30_000;

function hasImage(host: KubernetesObject | undefined): boolean {
  return (specOf(host).image ?? undefined) !== undefined;
}

/** As "namespace/name"; undefined: nobody has told it. */
export function machineOfNode({ metadata }: KubernetesObject): string | undefined {
  return metadata.annotations?.[machineAnnotation];
}

export class LeftNodes {
  /** Clusters with OpenShift's kinds. */
  readonly #clusters = new Set<string>();

  /** When the host of each Machine lost its image, by "cluster namespace/name" of the Machine. */
  readonly #emptiedMs = new Map<string, number>();
  /** When each Node was linked to its Machine, by its uid. */
  readonly #linkedMs = new Map<string, number>();
  /** Uids of pods that came to a Node which took none any more: a request that was long on its way. */
  readonly #latePods = new Set<string>();

  /** What is wrong now, if anything. */
  onObject(event: ObjectEvent, truth: Truth): string | undefined {
    const { cluster, after, verb, by } = event;
    if (isOpenShiftMachineSet(after) || isOpenShiftMachine(after)) this.#clusters.add(cluster);
    this.#remember(event, truth);
    if (after.kind !== "Node" || verb !== "gone" || by !== "farrier") return undefined;
    if (!this.#clusters.has(cluster)) return undefined;
    const about = { isKnown: !this.#isLate(event), latePods: this.#latePods, truth, cluster };
    const problem = problemOf(after, about);
    return problem === undefined
      ? undefined
      : `Farrier deleted Node ${after.metadata.name} ${problem}`;
  }

  #remember({ cluster, before, after, verb, atMs }: ObjectEvent, truth: Truth): void {
    const { uid } = after.metadata;
    if (after.kind === "Pod" && verb === "create" && isOnCordoned(after, truth.objects(cluster)))
      this.#latePods.add(uid);
    const isLinked = after.kind === "Node" && machineOfNode(after) !== undefined;
    if (isLinked && !this.#linkedMs.has(uid)) this.#linkedMs.set(uid, atMs);
    if (after.kind !== "BareMetalHost" || !hasImage(before) || hasImage(after)) return;
    this.#emptiedMs.set(`${cluster} ${consumerOf(after)}`, atMs);
  }

  /** It joined when what had been known before was on its way. */
  #isLate({ cluster, after }: ObjectEvent): boolean {
    const emptiedMs = this.#emptiedMs.get(`${cluster} ${machineOfNode(after)}`) ?? Infinity;
    return (this.#linkedMs.get(after.metadata.uid) ?? Infinity) > emptiedMs - onItsWayMs;
  }
}

interface About {
  readonly truth: Truth;
  readonly cluster: string;
  /** It was there long enough before its machine was to end. */
  readonly isKnown: boolean;
  readonly latePods: ReadonlySet<string>;
}

function isCordoned({ kind, spec }: KubernetesObject): boolean {
  return kind === "Node" && spec?.["unschedulable"] === true;
}

function isOnCordoned(
  pod: KubernetesObject,
  objects: ReadonlyMap<string, KubernetesObject>,
): boolean {
  return [...objects.values()].some(
    (each) => isCordoned(each) && each.metadata.name === pod.spec?.["nodeName"],
  );
}

function problemOf(node: KubernetesObject, about: About): string | undefined {
  const { truth, cluster, isKnown, latePods } = about;
  const own = machineOfNode(node);
  const objects = [...truth.objects(cluster).values()];
  const hosts = truth.hostsOf(node.metadata.name).map(({ object }) => object);
  const machines = objects.filter(isOpenShiftMachine);
  // One that was never linked is known by the host that it runs on.
  const machine = machines.find((each) =>
    own === undefined
      ? isDeleting(each) && hosts.some((host) => isOn(host, each))
      : pathOf(each) === own,
  );
  if (machine === undefined) return `of ${own ?? "nobody"}, which is not there`;
  if (!isDeleting(machine)) return `of ${pathOf(machine)}, which stays`;
  const hook = hookOf(machine);
  if (hook !== undefined) return `while a hook holds its Machine: ${hook}`;
  const isExcluded = machine.metadata.annotations?.[excludeDrainAnnotation] !== undefined;
  if (isExcluded || own === undefined || !isKnown) return undefined;
  return drainProblem(
    node,
    objects.filter(({ metadata }) => !latePods.has(metadata.uid)),
  );
}

function drainProblem(
  node: KubernetesObject,
  objects: readonly KubernetesObject[],
): string | undefined {
  if (node.spec?.["unschedulable"] !== true) return "before it was drained";
  const pod = objects.find(
    ({ kind, spec }) => kind === "Pod" && spec?.["nodeName"] === node.metadata.name,
  );
  return pod === undefined ? undefined : `before pod ${pod.metadata.name} had left it`;
}

function pathOf({ metadata: { namespace, name } }: KubernetesObject): string {
  return `${namespace}/${name}`;
}

function isOn(host: KubernetesObject, machine: KubernetesObject): boolean {
  return host.metadata.uid === hostUidOf(machine) || isUsedBy(host, machine);
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
