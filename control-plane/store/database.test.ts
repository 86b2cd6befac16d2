import { expect, test } from "vitest";
import { repeatUndone, withoutHoles } from "./database.ts";

test("withoutHoles gives the rows when the driver begins with empty places", () => {
  const rows: unknown[] = [];
  rows[2] = { a: 1 };
  expect(withoutHoles(rows)).toEqual([{ a: 1 }]);
  expect(withoutHoles([undefined, { a: 1 }, { a: 2 }])).toEqual([{ a: 1 }, { a: 2 }]);
});

/** Fails with the given codes, one a run, and then answers. */
async function repeated(codes: readonly string[]): Promise<unknown> {
  let runs = 0;
  const run = async () => {
    const code = codes[runs++];
    if (code !== undefined) throw Object.assign(new Error("refused"), { code });
    return await Promise.resolve("done");
  };
  return await repeatUndone(run).catch((thrown: unknown) => ({ runs, thrown }));
}

test("a statement that did nothing is repeated: after a deadlock until it is done, after an error once", async () => {
  expect(await repeated(["40P01", "40001", "40P01", "40P01"])).toBe("done");
  expect(await repeated(["23505"])).toBe("done");
  expect(await repeated(["23505", "23505"])).toMatchObject({ runs: 2, thrown: { code: "23505" } });
});

test("a statement that may have been done is not repeated", async () => {
  for (const code of ["57P01", "08006", "CONNECTION_CLOSED", "EPIPE"]) {
    expect(await repeated([code])).toMatchObject({ runs: 1, thrown: { code } });
  }
});
