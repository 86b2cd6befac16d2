// The annotations by which people steer Machines and MachineSets of OpenShift.

/** On a MachineSet, of any value: it has as many replicas as there are hosts for it (M80). */
export const autoscaleAnnotation = "metal3.io/autoscale-to-hosts";
/** On a Machine, with any text in it: the first to go when its MachineSet shrinks (M80). */
export const deleteAnnotations = [
  "machine.openshift.io/delete-machine",
  "machine.openshift.io/cluster-api-delete-machine",
] as const;
/** On a Machine: its Node is not drained. */
export const excludeDrainAnnotation = "machine.openshift.io/exclude-node-draining";
/** On a Machine, of any value: its host is to be switched off and on, so that it comes back as a new Node. */
export const remediationAnnotation = "host.metal3.io/external-remediation";
/** On a Machine that is remediated: its host was off, and its Node is gone. */
export const poweredOffAnnotation = "remediation.metal3.io/powered-off-for-remediation";
/** On a Machine whose host was switched on again: when it counts as lost. */
export const timeoutAnnotation = "remediation.metal3.io/power-on-will-timeout-at";
/** On a Machine: what its Node had before it was deleted, as JSON. */
export const keptLabelsAnnotation = "remediation.metal3.io/node-labels-backup";
export const keptAnnotationsAnnotation = "remediation.metal3.io/node-annotations-backup";
/** The state of its host. */
export const instanceStateAnnotation = "machine.openshift.io/instance-state";
/** On a Node: the Machine that it is of. */
export const machineAnnotation = "machine.openshift.io/machine";
