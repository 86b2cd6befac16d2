// The group by which OpenShift knows its Machines.

export const openShiftGroup = "machine.openshift.io";
export const openShiftVersion = `${openShiftGroup}/v1beta1`;
