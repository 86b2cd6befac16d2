// Hosts whose disks are being changed, and what is told of that. Judges nothing.
import {
  hostObject,
  newOperation,
  type StoreWorld,
} from "../../support/control-plane/store-world.ts";

/** Hosts at site "lab", each with work that changes disks and has begun; returns the epoch of agent "both". */
export async function withBegunWork(world: StoreWorld, uids: readonly string[]): Promise<number> {
  const { epoch } = await world.start();
  await world.watch(
    epoch,
    "10",
    uids.map((uid) => ({ type: "ADDED", object: hostObject(uid, "11") })),
  );
  for (const uid of uids) {
    const operation = newOperation(uid, `${uid}.1`, { class: "once" });
    await world.store.commitHost(await world.commit(uid, { operation }));
    await world.observe("both", epoch, { kind: "operation-started", ...workOf(uid) });
  }
  return epoch;
}

export const workOf = (hostUid: string) => ({ hostUid, operationId: `${hostUid}.1` });

export const failedWork = (hostUid: string, destroyed: boolean) => ({
  kind: "operation-failed" as const,
  ...workOf(hostUid),
  failure: { kind: "expired" as const, message: "too old", destroyed },
});
