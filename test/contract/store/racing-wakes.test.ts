// What wakes several rows while another statement changes one of them: it waits for that, and must wake all of them.
import { expect, test } from "vitest";
import { failedWork, withBegunWork } from "./begun-work.ts";
import { onPostgres } from "./databases.ts";
import { MachineWorld } from "./machine-world.ts";
import { whileChanging } from "./while-changing.ts";

const uids = ["a", "b", "c"];

onPostgres("hosts, while the row of one is being changed,", (held) => {
  test("are woken by facts about their Secrets", async () => {
    const { world, database } = held();
    await withBegunWork(world, uids);
    for (const name of ["secret", ""]) {
      const facts = uids.map(
        (hostUid) => ({ hostUid, purpose: "bmc", name, found: false }) as const,
      );
      await whileChanging(database, { uid: "b" }, async () => {
        expect((await world.store.applySecrets("east", facts)).toSorted()).toEqual(uids);
      });
    }
  });

  test("are woken by what is told of their operations", async () => {
    const { world, database } = held();
    const epoch = await withBegunWork(world, uids);
    for (const destroyed of [false, true]) {
      const told = uids.map((uid) => failedWork(uid, destroyed));
      await whileChanging(database, { uid: "b" }, async () => {
        const accepted = await world.observe("both", epoch, ...told);
        expect(accepted?.touched.toSorted()).toEqual(uids);
      });
    }
  });

  test("are woken when their work was lost", async () => {
    const { world, database } = held();
    await withBegunWork(world, uids);
    await whileChanging(database, { uid: "b" }, async () => {
      const { touched } = await world.opened("both", { inFlight: [] });
      expect(touched.toSorted()).toEqual(uids);
    });
  });
});

onPostgres("machines that wait, while the row of one is being changed,", (held) => {
  const waiting = ["m-1", "m-2", "m-3"];

  test("are woken by a host that became free", async () => {
    const { world, database } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1", "2", "3");
    await machines.addHosts("a");
    await machines.commitHost("a", "provisioned");
    for (const each of waiting) await machines.commitMachine(each, { waiting: true });
    await whileChanging(database, { table: "machines", uid: "m-2" }, async () => {
      expect((await machines.commitHost("a", "available")).toSorted()).toEqual(waiting);
    });
  });

  test("are woken by a change of their Cluster", async () => {
    const { world, database } = held();
    const machines = await MachineWorld.start(world);
    await machines.addMachines("1", "2", "3");
    await whileChanging(database, { table: "machines", uid: "m-2" }, async () => {
      const infrastructureRef = { kind: "Metal3Cluster", name: "k" };
      const cluster = machines.object("c", { more: { spec: { infrastructureRef, paused: true } } });
      const outcome = await machines.apply("clusters.cluster.x-k8s.io", cluster);
      expect(outcome.machines).toEqual(expect.arrayContaining(waiting));
    });
  });
});
