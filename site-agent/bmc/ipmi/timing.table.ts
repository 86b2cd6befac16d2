// How long to wait for what, in milliseconds. A list is one transmission per entry, each followed by
// that wait.

export const timing = {
  /** Nothing has answered yet: give up after 3 s. */
  firstContactWaitsMs: [500, 1000, 1500],
  /** The BMC is there but may be slow: give up after 6 s. */
  sessionWaitsMs: [1000, 1500, 2000, 1500],
  /**
   * Sent once: a second copy may make the BMC choose a new random number, and the answer to the first
   * would then read as a wrong password. Silence here starts the login again.
   */
  rakp1WaitsMs: [2000],
  /**
   * Power cycle, reset, soft off. Further copies carry the same rqSeq, which a BMC should drop
   * (IPMI 2.0 section 5.2), but not all do: they come late enough for a slow answer.
   */
  onceWaitsMs: [2500, 2500, 2500],
  /** BMCs drop idle sessions after 60 s (section 6.12.15), ipmi_sim after 30 s. */
  keepAliveMs: 25_000,
  /** Nobody asked for anything: give the session back. */
  idleCloseMs: 180_000,
  /** After no answer, the calls that waited behind it get the same error instead of each its own wait. */
  silenceMs: 5000,
} as const;
