// What faults turn: the knobs of the world, how they are found, turned to a fault's amount, and back.
import type { ClusterFaults } from "../kubernetes/cluster-faults.ts";
import type { SimulatedCluster } from "../kubernetes/simulated-cluster.ts";
import type { SimulatedFleetMachine } from "../machines/simulated-fleet-machine.ts";
import type { ImageKnobs } from "../network/images/image-servers.ts";
import type { Conditions } from "../network/lane.ts";
import type { Segment } from "../network/segment.ts";
import type { WanLink } from "../network/wan.ts";
import type { Fault } from "../workload/scenario.ts";
import type { AgentProcess } from "./agent-process.ts";
import type { DatabaseFaults } from "./hub.ts";
import type { World } from "./world.ts";

/** Begins; a function that it returns ends it. False: it could not. */
export type Apply = (world: World, fault: Fault) => (() => void) | boolean | undefined | void;

export type Find<T> = (world: World, fault: Fault) => T | undefined;

export const link: Find<WanLink> = (world, { target }) => world.wan.link(target);
export const wanConditions: Find<Conditions> = (world, fault) => link(world, fault)?.conditions;
export const segment: Find<Segment> = ({ networks }, { target }) => networks.get(target);
export const conditions: Find<Conditions> = (world, fault) => segment(world, fault)?.conditions;
export const database: Find<DatabaseFaults> = ({ databaseFaults }) => databaseFaults;
export const machine: Find<SimulatedFleetMachine> = (world, { target }) =>
  world.machines.get(target);
export const cluster: Find<SimulatedCluster> = (world, { target }) => world.clusters.get(target);
export const api: Find<ClusterFaults> = (world, fault) => cluster(world, fault)?.faults;
export const agent: Find<AgentProcess> = (world, { target }) => world.agents.get(target);
export const image: Find<ImageKnobs> = ({ images }, { target }) => {
  const { url } = images.byName.get(target) ?? {};
  return url === undefined ? undefined : images.servers.knobs(url);
};

/** A knob that is turned to the fault's amount, or to what is given, and back to `rest`. */
export function turn<T extends object, K extends keyof T>(
  find: Find<T>,
  knob: K,
  rest: T[K],
  to: (fault: Fault) => T[K],
): (world: World, fault: Fault) => (() => void) | undefined {
  return (world, fault) => {
    const holder = find(world, fault);
    if (holder === undefined) return undefined;
    holder[knob] = to(fault);
    return () => void (holder[knob] = rest);
  };
}

export const amount = (fault: Fault): number => fault.amount;
export const yes = (): boolean => true;
