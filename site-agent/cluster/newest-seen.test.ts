import { expect, test } from "vitest";
import { openNodeDatabase } from "../adapters/node-database.ts";
import { prepareDatabase } from "../link/database.ts";
import { makeNewestSeen } from "./newest-seen.ts";

function openDatabase() {
  const database = openNodeDatabase(":memory:");
  prepareDatabase(database);
  return database;
}

test("a list that is older than what was seen is refused, and one that is not is used", () => {
  const seen = makeNewestSeen(openDatabase());
  expect(seen.accepts("namespaces", "99")).toBe(true);
  seen.note("namespaces", "100");
  seen.note("namespaces", "90");
  expect(seen.accepts("namespaces", "99")).toBe(false);
  expect(seen.accepts("namespaces", "100")).toBe(true);
  expect(seen.accepts("baremetalhosts", "99")).toBe(true);
});

test("a server that was restored is believed: at once when it says so, else after a minute of lists", () => {
  const seen = makeNewestSeen(openDatabase());
  seen.note("namespaces", "100");
  for (let count = 0; count < 60; count += 1) expect(seen.accepts("namespaces", "9")).toBe(false);
  expect(seen.accepts("namespaces", "9")).toBe(true);
  seen.note("namespaces", "9");
  expect(seen.accepts("namespaces", "8")).toBe(false);
  seen.forget("namespaces");
  expect(seen.accepts("namespaces", "8")).toBe(true);
});

test("the next process goes by what this one has seen, and knows which writes were not answered", () => {
  const database = openDatabase();
  const seen = makeNewestSeen(database);
  seen.note("baremetalhosts", "100");
  const [one, two] = ["/hosts/m1", "/hosts/m2"].map((path) =>
    seen.sending({ resource: "baremetalhosts", path }),
  );
  one?.();
  const next = makeNewestSeen(database);
  expect(next.accepts("baremetalhosts", "99")).toBe(false);
  expect(next.unanswered("metal3machines")).toEqual([]);
  const [write, ...others] = next.unanswered("baremetalhosts");
  expect([write?.path, others]).toEqual(["/hosts/m2", []]);
  write?.lookedAt();
  expect(makeNewestSeen(database).unanswered("baremetalhosts")).toEqual([]);
  two?.();
  expect(seen.unanswered("baremetalhosts")).toEqual([]);
});
