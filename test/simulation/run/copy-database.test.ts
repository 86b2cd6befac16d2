import { expect, test } from "vitest";
import { openNodeDatabase } from "../../../site-agent/adapters/node-database.ts";
import { copyDatabase } from "./copy-database.ts";

test("a copy has the tables, their rows in their order and their rules, and goes its own way", () => {
  const first = openNodeDatabase(":memory:");
  first.execute(`
    CREATE TABLE operations (id TEXT PRIMARY KEY, state TEXT NOT NULL CHECK (state <> '')) STRICT;
    CREATE INDEX by_state ON operations (state);
    CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT) STRICT;
  `);
  for (const id of ["b", "c", "a"]) first.run("INSERT INTO operations VALUES (?, 'started')", id);
  first.run("INSERT INTO settings VALUES ('epoch', NULL)");
  first.run("DELETE FROM operations WHERE id = 'c'");
  const copy = copyDatabase(first);
  const ids = (of: typeof copy) => of.all("SELECT id FROM operations ORDER BY rowid");
  expect(ids(copy)).toEqual([{ id: "b" }, { id: "a" }]);
  expect(copy.all("SELECT * FROM settings")).toEqual([{ key: "epoch", value: null }]);
  expect(() => copy.run("INSERT INTO operations VALUES ('d', '')")).toThrow(/CHECK/);
  copy.run("INSERT INTO operations VALUES ('d', 'started')");
  expect(ids(first)).toHaveLength(2);
});
