// Times of the links, in one place for statements and sessions. Milliseconds.

/**
 * After that without a sign of life, another agent of the same site or cluster may take the link; a cluster link counts
 * as away.
 */
export const leaseTtlMs = 20_000;
/** So long an earlier process of an agent that did not end in order may still be at work: as a failed login counts. */
export const besideAnotherMs = 30 * 60_000;
/** A site is "degraded" after that, … */
export const siteDegradedAfterMs = 60_000;
/** … and "unreachable" after that. */
export const siteUnreachableAfterMs = 300_000;
/** A session that is silent for so long is closed. */
export const silentAfterMs = 45_000;
/**
 * Whoever stores a change decides about the host at once; if it dies before, another instance finds the host due
 * after this time.
 */
export const decideWithinMs = 2_000;
