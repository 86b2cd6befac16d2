// What a kernel need not do in emulation, where each of these takes a fifth of a second or more.

/** Kernel parameters; each with a value, as the agent's configuration wants them. */
export const quickKernelParameters = [
  "loglevel=4",
  "mitigations=off",
  "nmi_watchdog=0",
  "audit=0",
  "apparmor=0",
  "cryptomgr.notests=1",
] as const;
