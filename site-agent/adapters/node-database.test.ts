import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openNodeDatabase } from "./node-database.ts";

let folder: string;
let database: ReturnType<typeof openNodeDatabase>;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "farrier-database-"));
  database = openNodeDatabase(join(folder, "agent.db"));
  database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, name TEXT, data BLOB) STRICT");
});
afterEach(async () => {
  database.close();
  await rm(folder, { recursive: true, force: true });
});

const names = (): unknown[] => database.all("SELECT name FROM t ORDER BY id").map((r) => r["name"]);
const insert = (name: string): void => {
  database.run("INSERT INTO t (name) VALUES (?)", name);
};

describe("openNodeDatabase", () => {
  it("keeps every value type over a reopening", () => {
    database.run("INSERT INTO t VALUES (?, ?, ?)", 7, "näme", new Uint8Array([1, 0, 255]));
    database.run("INSERT INTO t VALUES (?, ?, ?)", 8, null, null);
    database.close();
    database = openNodeDatabase(join(folder, "agent.db"));
    expect(database.all("SELECT * FROM t ORDER BY id")).toEqual([
      { id: 7, name: "näme", data: new Uint8Array([1, 0, 255]) },
      { id: 8, name: null, data: null },
    ]);
  });

  it("runs with WAL and full synchronisation", () => {
    expect(database.all("PRAGMA journal_mode")).toEqual([{ journal_mode: "wal" }]);
    expect(database.all("PRAGMA synchronous")).toEqual([{ synchronous: 2 }]);
  });

  it("notes over a reopening, and waits for the disk again afterwards", () => {
    const note = (id: number) => database.note("INSERT INTO t (id, name) VALUES (?, 'a')", id);
    note(1);
    expect(() => note(1)).toThrow(/UNIQUE/);
    database.transaction(() => note(2));
    expect(database.all("PRAGMA synchronous")).toEqual([{ synchronous: 2 }]);
    database.close();
    database = openNodeDatabase(join(folder, "agent.db"));
    expect(names()).toEqual(["a", "a"]);
  });

  it("counts changed rows", () => {
    insert("a");
    insert("b");
    expect(database.run("UPDATE t SET name = 'c' WHERE id > ?", 0)).toEqual({ changes: 2 });
    expect(database.run("DELETE FROM t WHERE id = ?", 99)).toEqual({ changes: 0 });
  });

  it("undoes everything when the work throws, and can go on", () => {
    const failing = (): void =>
      database.transaction(() => {
        insert("lost");
        throw new Error("no");
      });
    expect(failing).toThrow("no");
    expect(database.transaction(() => (insert("kept"), 5))).toBe(5);
    expect(names()).toEqual(["kept"]);
  });

  it("undoes everything when a constraint fails half-way", () => {
    database.run("INSERT INTO t VALUES (1, 'first', NULL)");
    expect(() =>
      database.transaction(() => {
        insert("lost");
        database.run("INSERT INTO t VALUES (1, 'again', NULL)");
      }),
    ).toThrow(/UNIQUE/);
    expect(names()).toEqual(["first"]);
  });

  it("throws when transactions are nested", () => {
    expect(() => database.transaction(() => database.transaction(() => 1))).toThrow(/transaction/);
    expect(database.transaction(() => 1)).toBe(1);
  });
});
