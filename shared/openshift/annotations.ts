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
/** The state of its host. */
export const instanceStateAnnotation = "machine.openshift.io/instance-state";
/** On a Node: the Machine that it is of. */
export const machineAnnotation = "machine.openshift.io/machine";
