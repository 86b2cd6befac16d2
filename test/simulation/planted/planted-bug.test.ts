import { stripTypeScriptTypes } from "node:module";
import { expect, test } from "vitest";
import { judgeKinds } from "../judges/judges.table.ts";
import { bugNames, plant, readBug, readSource, tierOf } from "./planted-bug.ts";

test.each(bugNames())(
  "%s still fits the product's source, and names judges that there are",
  (name) => {
    const bug = readBug(name);
    for (const file of new Set(bug.edits.map((edit) => edit.file))) {
      const source = readSource(file);
      const planted = plant(bug, file, source);
      expect(planted).not.toBe(source);
      expect(() => stripTypeScriptTypes(planted)).not.toThrow();
    }
    const ids = judgeKinds.map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining([...bug.breaks]));
  },
);

test("an edit that fits twice or never is refused with the way out", () => {
  const bug = {
    name: "x",
    why: "",
    breaks: ["S1"],
    needs: [],
    edits: [{ file: "a.ts", find: "b", replace: "c" }],
  };
  expect(() => plant(bug, "a.ts", "b b")).toThrow("occurs 2 times in a.ts");
  expect(() => plant(bug, "a.ts", "")).toThrow("occurs 0 times in a.ts");
  expect(plant(bug, "other.ts", "b b")).toBe("b b");
});

test("an unknown bug is refused with those that there are", () => {
  expect(() => readBug("none-such")).toThrow(bugNames()[0]);
});

test("a bug in the real statements is looked for where these run, unless the store in memory has it too", () => {
  const edit = (file: string) => ({ file, find: "a", replace: "b" });
  const [sql, twin] = [
    "control-plane/store/links/outbox.ts",
    "test/simulation/store/links/outbox.ts",
  ];
  expect(tierOf({ edits: [edit("shared/host/decide.ts")] })).toBe("memory");
  expect(tierOf({ edits: [edit(sql)] })).toBe("pglite");
  expect(tierOf({ edits: [edit(sql), edit(twin)] })).toBe("memory");
});
