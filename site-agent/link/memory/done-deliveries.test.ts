import { expect, test } from "vitest";
import type { DeliveryItem } from "../read-frame.ts";
import { DoneDeliveries } from "./done-deliveries.ts";

function status(
  id: string,
  uid = "host-1",
  state: "registering" | "available" = "registering",
): DeliveryItem {
  const status = {
    errorCount: 0,
    errorMessage: "",
    operationalStatus: "OK",
    poweredOn: false,
    provisioningFailCount: 0,
    hardwareProfile: "",
    provisioning: { state, ID: "", image: { url: "" } },
  } as const;
  const write = { kind: "status", namespace: "horses", name: "m1", uid, status } as const;
  return { id, delivery: { kind: "write", write } };
}
const cancel = (id: string): DeliveryItem => ({
  id,
  delivery: { kind: "cancel", hostUid: "host-1", operationId: "host-1.1" },
});

test("what was done is done, in whatever order it comes again", () => {
  const done = new DoneDeliveries();
  expect([done.has(cancel("1")), done.has(status("9"))]).toEqual([false, false]);
  for (const item of [cancel("1"), status("9")]) done.add(item);
  expect([done.has(cancel("1")), done.has(status("9"))]).toEqual([true, true]);
});

test("a status is moot once a newer one of its object was written, and another object's is not", () => {
  const done = new DoneDeliveries();
  done.add(status("100"));
  expect(["99", "101"].map((id) => done.has(status(id)))).toEqual([true, false]);
  expect([done.has(status("99", "host-2")), done.has(cancel("99"))]).toEqual([false, false]);
  done.add(status("99"));
  expect(done.has(status("100"))).toBe(true);
  expect(done.has(status("101"))).toBe(false);
});

test("a status that waits is moot once a newer one of its object has come, unless it shows another state", () => {
  const done = new DoneDeliveries();
  for (const item of [status("98"), status("99"), status("100")]) done.hear(item);
  expect(["98", "99", "100"].map((id) => done.has(status(id)))).toEqual([true, true, false]);
  // Each is answered, and only the newest counts as written.
  done.add(status("98"));
  done.add(status("99"));
  expect(done.has(status("100"))).toBe(false);
  done.hear(status("101", "host-1", "available"));
  expect(done.has(status("100"))).toBe(false);
  done.hear(status("97"));
  expect(done.has(status("101", "host-1", "available"))).toBe(false);
});
