import { expect, test } from "vitest";
import { s33 } from "./s33-stored-only.ts";
import { madeHost, stored, tryJudge } from "./try-judge.ts";
import type { Made } from "./try-judge.ts";

const url = "http://images.example/image-1.raw";
const first = madeHost({ version: "5", spec: { image: { url } } });
const commit = (object: object): Made => {
  const after = { object };
  return {
    at: 2,
    kind: "commit",
    statement: "s",
    place: 0,
    table: "hosts",
    key: "u",
    before: undefined,
    after,
  };
};
const write = (image: string): Made => {
  const order = { hostUid: "u", id: "1", operationId: "u.1", work: "provision", image };
  return { at: 3, kind: "delivered", agent: "site-1", what: "operation", ...order };
};

test("forms and images that were stored keep the invariant", () => {
  const later = madeHost({ version: "6" });
  const events = [stored(1, first), stored(1, later), commit(first), write(url), commit(later)];
  expect(tryJudge(s33, events)).toEqual([]);
});

test("a form that was never stored breaks it, by its spec or by its version", () => {
  const dry = madeHost({ version: "5", spec: { image: null } });
  expect(tryJudge(s33, [stored(1, first), commit(dry)])).toHaveLength(1);
  const refused = madeHost({ version: "6", spec: { image: { url } } });
  expect(tryJudge(s33, [stored(1, first), commit(refused)])).toHaveLength(1);
});

test("an image that no stored spec named breaks it", () => {
  expect(tryJudge(s33, [stored(1, first), write("http://images.example/other.raw")])).toEqual([
    "http://images.example/other.raw is to be written, and no stored spec named it",
  ]);
});
