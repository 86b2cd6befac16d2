// Plays one YAML file: applies its objects as kubectl and a kube-apiserver would, and lets virtual time pass until
// the host is as desired, or nothing more is to be expected. Gives what passed; does not print it.
import { createHash } from "node:crypto";
import { makeGptImage } from "../support/gpt-image.ts";
import type { MachineEvent } from "../support/simulated-machine.ts";
import { bareMetalHostStatus } from "../../shared/metal3/bare-metal-host.ts";
import type { TracedHost, TracedSecret, TraceInput } from "./trace-input.ts";
import type { TraceRecord } from "./trace-record.ts";
import { clusterName, siteName, startTraceWorld } from "./trace-world.ts";
import type { TraceWorld } from "./trace-world.ts";

export interface Trace {
  readonly input: TraceInput;
  /** Epoch ms of `kubectl apply`; times are told from here. */
  readonly appliedAtMs: number;
  readonly records: readonly TraceRecord[];
  /** Resource versions of our own write-backs. */
  readonly ownVersions: ReadonlySet<string>;
  /** The host's provisioning state and error message as Kubernetes has them at the end. */
  readonly end: {
    readonly state: string;
    readonly errorMessage: string;
    readonly settled: boolean;
  };
  readonly cluster: string;
  readonly site: string;
}

const startMs = Date.parse("2026-11-01T12:00:00Z");
const longestMs = 30 * 60_000;
/** A host whose work fails is tried again and again: so long after the error it is enough. */
const afterErrorMs = 60_000;
/** For the operating system to come up, and the power poll to see it. */
const afterSettledMs = 20_000;
const diskBytes = 20 * 1024 ** 3;
/** Slow enough for progress to be seen. */
const writeBytesPerSecond = 32 * 1024;

export async function runTrace(input: TraceInput): Promise<Trace> {
  const image = makeGptImage();
  const sum = createHash("sha256").update(image).digest("hex");
  const world = await startTraceWorld({
    startMs,
    // One image for every address; a checksum file for every name that looks like one.
    image: (path) => (/sums?$|sha\d+$/i.test(path) ? new TextEncoder().encode(`${sum}\n`) : image),
    imageOrigins: input.imageOrigins,
    writeBytesPerSecond,
  });
  const { namespace } = input.host.metadata;
  world.recorder.kubernetes.put(`/api/v1/namespaces/${namespace}`, {
    apiVersion: "v1",
    kind: "Namespace",
    metadata: { name: namespace, uid: "a-namespace" },
  });
  await world.startAgent();
  await addMachine(world, input);
  world.recorder.records.length = 0;
  const appliedAtMs = world.clock.nowMs();
  let isAllowed = true;
  for (const object of input.objects) isAllowed &&= await apply(world, object);
  const settled = isAllowed && (await untilSettled(world, hostPath(input.host)));
  const { records, ownVersions } = world.recorder;
  const trace: Trace = {
    input,
    appliedAtMs,
    records: [...records],
    ownVersions,
    end: { ...stateOf(world, hostPath(input.host)), settled },
    cluster: clusterName,
    site: siteName,
  };
  await world.stop();
  return trace;
}

function hostPath({ metadata: { name, namespace } }: TracedHost): string {
  return `/apis/metal3.io/v1alpha1/namespaces/${namespace}/baremetalhosts/${name}`;
}

async function addMachine({ site, recorder }: TraceWorld, { bmc, mac, host }: TraceInput) {
  await site.addMachine(bmc, {
    macs: [mac],
    disks: [{ serialNumber: "D-1", sizeBytes: diskBytes }],
    serialNumber: "M-1",
    systemUuid: "fa221e20-0000-4000-8000-000000000001",
    firmware: host.spec.bootMode === "legacy" ? "BIOS" : "UEFI",
    console: recorder.siteLog("ramdisk"),
    onEvent({ kind, detail }: MachineEvent) {
      recorder.add({ kind: "site", who: "machine", what: kind, fields: { detail } });
    },
  });
}

/** The webhook does not get Secrets. False: it refused the object, which is not stored then. */
async function apply(world: TraceWorld, object: TracedSecret | TracedHost): Promise<boolean> {
  const { kubernetes } = world.recorder;
  const { name, namespace } = object.metadata;
  const creationTimestamp = new Date(world.clock.nowMs()).toISOString();
  if (object.kind === "Secret") {
    const { stringData: _plain, ...secret } = object;
    const metadata = { ...object.metadata, creationTimestamp };
    kubernetes.put(`/api/v1/namespaces/${namespace}/secrets/${name}`, { ...secret, metadata });
    return true;
  }
  const metadata = { ...object.metadata, creationTimestamp, generation: 1 };
  const stored = { apiVersion: "metal3.io/v1alpha1", ...object, metadata };
  const allowed = await world.clock.until(review(world, stored));
  if (allowed) kubernetes.put(hostPath(object), stored);
  return allowed;
}

interface Reviewed {
  readonly response: {
    readonly allowed: boolean;
    readonly warnings?: readonly string[];
    readonly status?: { readonly message?: string };
  };
}

/** What a kube-apiserver posts when kubectl creates the object. */
async function review(world: TraceWorld, object: TracedHost): Promise<boolean> {
  const { name, namespace } = object.metadata;
  const kind = { group: "metal3.io", version: "v1alpha1", kind: "BareMetalHost" };
  const answer = await world.plane.app.request(world.admissionPath, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      request: {
        uid: "a-review",
        kind,
        resource: { group: "metal3.io", version: "v1alpha1", resource: "baremetalhosts" },
        requestKind: kind,
        operation: "CREATE",
        name,
        namespace,
        userInfo: { username: "kubernetes-admin" },
        object,
        oldObject: null,
        dryRun: false,
      },
    }),
  });
  const { response } = (await answer.json()) as Reviewed;
  world.recorder.add({
    kind: "admission",
    object: `${namespace}/${name}`,
    allowed: response.allowed,
    answer: response.allowed ? (response.warnings ?? []) : [response.status?.message ?? ""],
  });
  return response.allowed;
}

/** True when the host is as desired. */
async function untilSettled(world: TraceWorld, path: string): Promise<boolean> {
  const { clock, recorder } = world;
  const endMs = clock.nowMs() + longestMs;
  let errorAtMs: number | undefined;
  while (clock.nowMs() < endMs) {
    await clock.advance(1_000);
    const last = recorder.records.findLast(({ kind }) => kind === "decision");
    const settled = last?.kind === "decision" && last.fields["next"] === "settled";
    if (settled) {
      await clock.advance(afterSettledMs);
      return true;
    }
    if (stateOf(world, path).errorMessage === "") errorAtMs = undefined;
    else errorAtMs ??= clock.nowMs();
    if (errorAtMs !== undefined && clock.nowMs() - errorAtMs > afterErrorMs) return false;
  }
  return false;
}

function stateOf(world: TraceWorld, path: string): { state: string; errorMessage: string } {
  const stored = world.recorder.kubernetes.objects.get(path);
  const parsed = bareMetalHostStatus.safeParse(stored?.["status"]);
  if (!parsed.success) return { state: "", errorMessage: "" };
  return {
    state: parsed.data.provisioning.state,
    errorMessage: parsed.data.errorMessage,
  };
}
