import { expect, test } from "vitest";
import { withoutHoles } from "./database.ts";

test("withoutHoles gives the rows when the driver begins with empty places", () => {
  const rows: unknown[] = [];
  rows[2] = { a: 1 };
  expect(withoutHoles(rows)).toEqual([{ a: 1 }]);
  expect(withoutHoles([undefined, { a: 1 }, { a: 2 }])).toEqual([{ a: 1 }, { a: 2 }]);
});
