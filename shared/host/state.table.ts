// The states of a host (status.provisioning.state) and the transitions between them, as upstream has them.
// Legacy names are read, never written.

const hostStates = [
  "",
  "unmanaged",
  "registering",
  "inspecting",
  "preparing",
  "available",
  "provisioning",
  "provisioned",
  "externally provisioned",
  "deprovisioning",
  "powering off before delete",
  "deleting",
] as const;
export type HostState = (typeof hostStates)[number];

const legacyStates: Readonly<Record<string, HostState>> = {
  "match profile": "preparing",
  ready: "available",
};

/** Every state may lead to "deleting": the host is detached, or its deletion is forced. */
export const transitions: Readonly<Record<HostState, readonly HostState[]>> = {
  "": ["unmanaged", "registering", "deleting"],
  unmanaged: ["registering", "deleting"],
  registering: ["externally provisioned", "inspecting", "preparing", "deleting"],
  inspecting: ["externally provisioned", "preparing", "powering off before delete", "deleting"],
  preparing: ["externally provisioned", "available", "powering off before delete", "deleting"],
  available: [
    "externally provisioned",
    "inspecting",
    "preparing",
    "provisioning",
    "powering off before delete",
    "deleting",
  ],
  provisioning: ["provisioned", "deprovisioning", "deleting"],
  provisioned: ["deprovisioning", "deleting"],
  "externally provisioned": [
    "provisioned",
    "deprovisioning",
    "powering off before delete",
    "deleting",
  ],
  deprovisioning: ["available", "powering off before delete", "deleting"],
  "powering off before delete": ["deleting"],
  deleting: [],
};

/** Undefined for a state that this version does not know. */
export function readState(text: string): HostState | undefined {
  const legacy = Object.hasOwn(legacyStates, text) ? legacyStates[text] : undefined;
  return hostStates.find((state) => state === text) ?? legacy;
}

/** States in which a host is used or could be: power is enforced, detaching works at once. */
export const stableStates: readonly HostState[] = [
  "available",
  "provisioned",
  "externally provisioned",
];

/** States whose operationHistory entry starts on entering and ends on leaving. */
export const historyOf: Partial<
  Record<HostState, "register" | "inspect" | "provision" | "deprovision">
> = {
  registering: "register",
  inspecting: "inspect",
  provisioning: "provision",
  deprovisioning: "deprovision",
};
