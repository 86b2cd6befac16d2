// The annotations, labels and finalizers of a host by name, and what their values mean. Upstream's spellings
// verbatim; ours are under farrier.dev. Reads only; whether a value is acceptable is the rule table's.

export const pausedAnnotation = "baremetalhost.metal3.io/paused";
export const detachedAnnotation = "baremetalhost.metal3.io/detached";
export const statusAnnotation = "baremetalhost.metal3.io/status";
export const rebootAnnotation = "reboot.metal3.io";
/** Holds a host off while its Machine of OpenShift is remediated. */
export const powerOffAnnotation = "reboot.metal3.io/capbm-requested-power-off";
export const inspectAnnotation = "inspect.metal3.io";
export const hardwareDetailsAnnotation = "inspect.metal3.io/hardwaredetails";
/** Ours: try again now; write the disk again; remove the object without touching the machine. */
export const retryAnnotation = "farrier.dev/retry";
export const rebuildAnnotation = "farrier.dev/rebuild";
export const forceDeleteAnnotation = "farrier.dev/force-delete";
/** Label of a host, or annotation of its namespace. */
export const siteKey = "farrier.dev/site";

export const hostFinalizer = "baremetalhost.metal3.io";

export type Annotations = Readonly<Record<string, string>> | undefined;

export interface DetachRequest {
  readonly deleteAction: "delete" | "delay";
  readonly force: boolean;
}

/** Presence counts: "false" detaches too. A value that is no JSON object asks for nothing special. */
export function readDetached(annotations: Annotations): DetachRequest | undefined {
  const value = annotations?.[detachedAnnotation];
  if (value === undefined) return undefined;
  const fields = parseJsonObject(value);
  return {
    deleteAction: fields?.["deleteAction"] === "delay" ? "delay" : "delete",
    force: fields?.["force"] === true,
  };
}

export interface RebootRequest {
  readonly key: string;
  /** A key with a suffix holds the host off until its owner removes it. */
  readonly holds: boolean;
  readonly hard: boolean;
  readonly force: boolean;
}

/** All reboot requests, by key. A value that cannot be read counts as a soft reboot, as upstream has it. */
export function readReboots(annotations: Annotations): readonly RebootRequest[] {
  return Object.entries(annotations ?? {})
    .filter(([key]) => isRebootKey(key))
    .toSorted(([left], [right]) => (left < right ? -1 : 1))
    .map(([key, value]) => {
      const fields = parseJsonObject(value);
      return {
        key,
        holds: key !== rebootAnnotation,
        hard: fields?.["mode"] === "hard",
        force: fields?.["force"] === true,
      };
    });
}

export function isRebootKey(key: string): boolean {
  return key === rebootAnnotation || key.startsWith(`${rebootAnnotation}/`);
}

/** Undefined for anything but a JSON object. */
export function parseJsonObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    return Object.fromEntries(Object.entries(value));
  } catch {
    return undefined;
  }
}
