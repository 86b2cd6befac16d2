// What goes wrong at a simulated API server, for as long as it is set.

export interface ClusterFaults {
  /** No connection: all requests are "unreachable". */
  unreachable: boolean;
  webhookUnreachable: boolean;
  /** Probability, of each write of the agent: somebody else writes the same object just before it. */
  conflicts: number;
  /** Of each request: to be answered 429. */
  throttles: number;
  /** Of each request: to be done, and its answer to be lost. */
  losesAnswers: number;
  /** Of each review: to be posted twice. */
  repeatsReviews: number;
  /** How old a list of the agent may be at most; each is as old as it happens. */
  staleListMs: number;
}

export function noFaults(): ClusterFaults {
  return {
    unreachable: false,
    webhookUnreachable: false,
    conflicts: 0,
    throttles: 0,
    losesAnswers: 0,
    repeatsReviews: 0,
    staleListMs: 0,
  };
}
