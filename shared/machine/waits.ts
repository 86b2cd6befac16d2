// How long a machine waits before it looks again by itself, where nothing wakes it earlier.

/** A write that Kubernetes does not show is asked for again. */
export const askAgainMs = 60_000;
/** The progress of a host that works, in the machine's words. */
export const lookMs = 30_000;
/** A host that becomes free wakes who waits for one; this is how long one lost wake-up costs. */
export const freeHostLookMs = 60_000;
/** The Node of a machine whose host is provisioned. */
export const askNodeMs = 10_000;
/** A Node that is drained or deleted is asked about this often, as by kubectl drain. */
export const askLeaveMs = 5_000;
/** The same, where a person has to mend something first. */
export const askMendedMs = 30_000;
/** A Node that has not come in this time is asked for less often. */
export const nodePatienceMs = 20 * 60_000;
export const askNodeSeldomMs = 60_000;
