import { expect, test } from "vitest";
import { makeNewestSeen } from "./newest-seen.ts";

test("a list that is older than what was seen is refused, and one that is not is used", () => {
  const seen = makeNewestSeen();
  expect(seen.accepts("namespaces", "99")).toBe(true);
  seen.note("namespaces", "100");
  seen.note("namespaces", "90");
  expect(seen.accepts("namespaces", "99")).toBe(false);
  expect(seen.accepts("namespaces", "100")).toBe(true);
  expect(seen.accepts("baremetalhosts", "99")).toBe(true);
});

test("a server that was restored is believed: at once when it says so, else after a minute of lists", () => {
  const seen = makeNewestSeen();
  seen.note("namespaces", "100");
  for (let count = 0; count < 60; count += 1) expect(seen.accepts("namespaces", "9")).toBe(false);
  expect(seen.accepts("namespaces", "9")).toBe(true);
  seen.note("namespaces", "9");
  expect(seen.accepts("namespaces", "8")).toBe(false);
  seen.forget("namespaces");
  expect(seen.accepts("namespaces", "8")).toBe(true);
});
