// Which resources of the machine side must have been listed whole before an object of each kind is decided about.
import { clusterApiResource, openShiftResource, type MachineResource } from "./feed.ts";
import type { ProviderResource } from "./write-back.ts";

export const neededFeeds: Readonly<Record<ProviderResource, readonly MachineResource[]>> = {
  metal3clusters: clusterApiResource.options,
  metal3machines: clusterApiResource.options,
  "machines.machine.openshift.io": ["machines.machine.openshift.io"],
  "machinesets.machine.openshift.io": openShiftResource.options,
};
