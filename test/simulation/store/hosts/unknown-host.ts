// A host of which only its object is known: one that is new, or whose memory was forgotten.
export const unknownHost = {
  memory: null,
  document: null,
  power_on: null,
  power_at: null,
  bmc_problem: null,
  blocked: false,
  machine_uid: null,
} as const;
