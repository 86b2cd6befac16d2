// How long a machine waits before it looks again by itself, where nothing wakes it earlier.

/** A write that Kubernetes does not show is asked for again. */
export const askAgainMs = 60_000;
/** The progress of a host that works, in the machine's words. */
export const lookMs = 30_000;
/** A host that becomes free wakes who waits for one; this is how long one lost wake-up costs. */
export const freeHostLookMs = 60_000;
/**
 * The Node of a machine whose host is provisioned: asked about again after as long as it was waited for already, within
 * these. The cluster link looks for it meanwhile, and tells.
 */
export const askNodeMs = 10_000;
export const askNodeAtLeastMs = 120_000;
/** A Node that is drained or deleted is asked about this often, as by kubectl drain. */
export const askLeaveMs = 5_000;
/** A Node that was not linked and cannot be deleted is left after so long: its cluster may be gone. */
export const leavePatienceMs = 30_000;
/** The same, where a person has to mend something first. */
export const askMendedMs = 30_000;
/** A host that was switched on again for its machine's remediation has so long to come back, as upstream. */
export const comeBackMs = 20 * 60_000;
/** A Node that is Ready. */
export const askNodeSeldomMs = 60_000;
