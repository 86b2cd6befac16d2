-- Machines and MachineSets of OpenShift (machine.openshift.io) are rows of the machine side, too.
ALTER TABLE machines DROP CONSTRAINT machines_resource_check;
ALTER TABLE machines ADD CONSTRAINT machines_resource_check CHECK (resource IN ('metal3clusters', 'metal3machines',
  'machines.machine.openshift.io', 'machinesets.machine.openshift.io'));
