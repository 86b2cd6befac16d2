// Invariants and promises that no run can break or keep yet, with what is missing for it. Each of S1 to S45 and L1 to L20
// is either here or in judges.table.ts.

export interface NotReachable {
  readonly id: string;
  /** The invariant in one sentence. */
  readonly says: string;
  readonly missing: string;
}

export const notReachable: readonly NotReachable[] = [
  {
    id: "S23",
    says: "a host that is moved with its status is never inspected or deprovisioned for it",
    missing:
      "a command of the workload that pauses a host and creates it anew, in another cluster, with its status annotation; the rules themselves have unit tests in shared/host",
  },
  {
    id: "S36",
    says: "while firmware or RAID is changed nobody touches the power",
    missing: "the feature: Farrier changes neither, and says so in the host's status",
  },
  {
    id: "S40",
    says: "only one process writes an embedded database",
    missing: "a database in files: test/contract starts a second process on one",
  },
  {
    id: "L12",
    says: "a second agent of a site takes over 30 s after the first has died",
    missing:
      "sites with two agents that were enrolled each by itself: a copy of one has its identity",
  },
  {
    id: "L16",
    says: "1,000 hosts that wait all finish, first come, first served",
    missing:
      "something to wait for: Farrier puts no host into a queue; that a large fleet finishes is measured by a run of its own",
  },
  {
    id: "L18",
    says: "an upgrade of the control plane with older agents costs no operation",
    missing: "a second version: there is none yet, and all programs of a run are of one",
  },
  {
    id: "L19",
    says: "under too much load work is refused with 429, and 60 s after it nothing waits any more",
    missing:
      "the feature, and real time: the control plane refuses bodies by size, never by load, and virtual time makes no load",
  },
];
